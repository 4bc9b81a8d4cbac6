// A long list of rows of one height, of which only those are elements that can be seen.

const ROW_HEIGHT = 28;
const SPARE_ROWS = 12;

/**
 * A list that is scrolled, and walked through with the arrow keys. `make` fills a row for an item, `select` is told
 * which item is chosen, `fold` which one is to be unfolded or folded.
 */
class Rows {
  constructor({ label, make, select, fold, role = "listbox" }) {
    Object.assign(this, {
      make,
      select,
      fold,
      items: [],
      chosen: null,
      itemRole: role === "tree" ? "treeitem" : "option",
    });
    this.space = h("div", { class: "space", role: "presentation" });
    this.id = `rows-${++fieldCount}`;
    this.element = h(
      "div",
      {
        class: "rows",
        role,
        tabindex: 0,
        "aria-label": label,
        onscroll: () => this.draw(),
        onkeydown: (event) => this.press(event),
        onclick: (event) => this.point(event),
      },
      this.space,
    );
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Shows items; the one that is chosen stays so if it is still there. */
  show(items) {
    this.items = items;
    this.space.style.blockSize = `${items.length * ROW_HEIGHT}px`;
    this.element.style.maxBlockSize = `min(46vh, ${items.length * ROW_HEIGHT + 2}px)`;
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const count = Math.ceil(this.element.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS;
    const shown = this.items.slice(first, first + count);
    this.space.replaceChildren(...shown.map((item, at) => this.row(item, first + at)));
    const at = this.items.indexOf(this.chosen);
    if (at >= first && at < first + count)
      this.element.setAttribute("aria-activedescendant", `${this.id}-${at}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  row(item, at) {
    const row = this.make(item);
    row.classList.add("line");
    row.style.insetBlockStart = `${at * ROW_HEIGHT}px`;
    row.dataset.at = at;
    row.id = `${this.id}-${at}`;
    const state = {
      role: this.itemRole,
      "aria-posinset": at + 1,
      "aria-setsize": this.items.length,
      "aria-selected": String(item === this.chosen),
    };
    for (const [name, value] of Object.entries(state)) row.setAttribute(name, value);
    return row;
  }

  choose(at) {
    const item = this.items[Math.max(0, Math.min(this.items.length - 1, at))];
    if (!item) return;
    this.chosen = item;
    const top = this.items.indexOf(item) * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + ROW_HEIGHT > scrollTop + clientHeight)
      this.element.scrollTop = top + ROW_HEIGHT - clientHeight;
    this.draw();
    this.select(item);
  }

  press(event) {
    const at = this.items.indexOf(this.chosen);
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 1);
    const targets = {
      __proto__: null,
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: this.items.length - 1,
    };
    if (event.key in targets) this.choose(targets[event.key]);
    else if (["ArrowRight", "ArrowLeft", "Enter"].includes(event.key) && this.chosen && this.fold)
      this.fold(this.chosen, { ArrowRight: true, ArrowLeft: false }[event.key]);
    else return;
    event.preventDefault();
  }

  point(event) {
    const row = event.target.closest(".line");
    if (!row) return;
    this.choose(Number(row.dataset.at));
    if (event.target.closest(".twist")) this.fold?.(this.chosen);
  }
}
