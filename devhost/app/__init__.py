"""The app's folder as the host and its Python worker read it: functions, bindings, code."""
