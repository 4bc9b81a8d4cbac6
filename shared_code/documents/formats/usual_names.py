"""What columns are called most often, in the languages that most tables are in: a sign of a row of names."""

_ENGLISH = """
account action active address age alias amount answer area author average balance batch body brand budget
category cell change city class client code color colour column comment comments company contact content
cost costs count country county currency customer date day department description destination device
difference district document duration email end entity event family field file first format frequency from
gender group height id identifier index industry item items job key kind label language last lat latitude
length level link list location lon longitude manager max mean measure median message method min model month
name names note notes number occupation office operator option order organisation organization origin owner
page parent party path percent percentage period person phone pieces place player point population
position price priority product profession project province qty quantity question rank rate rating reason
reference region remark remarks result revenue role sales sample score season section sector serial sex
share shop site size source species state status street subject sum supplier surname tag target task team
telephone term text time title to topic total town type unit units url user username value values variable
version visits volume website week weight year zip
attribute default definition explanation feature meaning option parameter property setting symptom
"""
_GERMAN_FRENCH_ITALIAN_SPANISH = """
alter anno année anschrift anzahl apellido art artikel auftrag ausgabe ausgaben bemerkung bemerkungen
beruf beschreibung bestand betrag bezeichnung cantidad categoría citta città ciudad code codice cognome
comune date datum descripción description descrizione einheit einnahmen fecha firma gemeinde geschlecht
gruppe hersteller importe indirizzo jahr kanton kategorie kosten kunde kundennummer land libellé lieferant
menge mes mois monat montant nachname nom nombre nome note nr nummer numéro número ort paese pays país plz
precio preis prezzo prix produkt prénom quantità quantité quelle region regione rolle rue région società
société spalte stadt stato status statut strasse straße stück tag taille telefon tipo titel titre total
typ type uhrzeit umsatz valeur valor valore ville vorname wert zona
"""

USUAL_NAMES = frozenset((_ENGLISH + _GERMAN_FRENCH_ITALIAN_SPANISH).split())
