"""How bytes become text: Unicode in all its forms, and the encodings that were usual before it."""
# ruff: noqa: RUF001 - letters of many alphabets, and none of them by mistake

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents import BrokenDocument
from shared_code.documents.formats.decoding import decode

# Each text as its readers would have stored it: alone, many times, and as one line in a page of English.
TEXTS = [
    ("cp1252", "Mr. Müller from Zürich wrote that the façade of the house is being renovated."),
    ("cp1252", "The house wasn’t sold – it’s “on hold” until spring…"),
    ("cp1252", "The café serves a soufflé at £5 and tea at €3."),
    ("cp1252", "Die Straße führt über die Brücke zum alten Schloss. Dort können Gäste übernachten."),
    ("cp1252", "Name;Straße;Ort\nMüller;Hauptstraße 3;Köln\nSchäfer;Am Bühl 9;Tübingen"),
    ("cp1252", "Café au lait, s'il vous plaît, déjà vu à la façon de l'été."),
    ("cp1252", "Prénom;Nom;Société\nFrançois;Lefèvre;Électricité Générale"),
    ("cp1252", "El niño comió una manzana y después salió al jardín."),
    ("cp1252", "A educação é um direito de todos e não pode ser negada."),
    ("cp1252", "La città è bella perché c'è il mare."),
    ("cp1252", "Jag är glad att du kom hit i går kväll för att äta."),
    ("cp1252", "Vi spiser rødgrød med fløde på en ø."),
    ("cp1252", "Hyvää päivää, tämä on lyhyt viesti sinulle."),
    ("cp1252", "Þetta er íslenska og hún er mjög gömul tunga."),
    ("cp1252", "L’acció de govern és molt important per a la població."),
    ("cp1250", "Proszę o przesłanie faktury na adres: ul. Świętokrzyska 5, Łódź."),
    ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
    ("cp1250", "Ďakujeme vám za správu, odpovieme čo najskôr."),
    ("cp1250", "A szerződés a felek között jött létre, és őszig érvényes."),
    ("cp1250", "Možete doći u četvrtak poslije podne, čekat ćemo vas."),
    ("cp1250", "Toate fiinţele umane se nasc libere şi egale în demnitate şi în drepturi."),
    ("cp1251", "Это обычный русский текст, в котором достаточно слов для узнавания кодировки."),
    ("cp1251", "Имя;Город\nАнна;Москва\nИван;Тверь"),
    ("cp1251", "Київ є столицею України, її найбільшим містом."),
    ("cp1251", "София е столицата на България."),
    ("koi8-r", "Все люди рождаются свободными и равными в своём достоинстве и правах."),
    ("cp1253", "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας."),
    ("cp1254", "Müşteri adı: Ayşe Yılmaz, şehir: Eskişehir"),
    ("cp1254", "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar."),
    ("cp1255", "ירושלים היא בירת ישראל והעיר הגדולה בה."),
    ("cp1256", "القاهرة هي عاصمة مصر وأكبر مدنها."),
    ("cp1257", "Vilnius yra Lietuvos sostinė ir didžiausias šalies miestas."),
    ("cp1257", "Visi cilvēki piedzimst brīvi un vienlīdzīgi savā pašcieņā un tiesībās."),
    ("cp874", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย"),
    ("cp932", "東京は日本の首都です。人口は約一千四百万人です。"),
    ("cp932", "サーバーエラー (500): 新しいパスワードを入力してください。"),
    ("euc-jp", "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"),
    ("gb18030", "北京是中国的首都，人口超过两千万。"),
    ("gb18030", "姓名,城市\n王伟,上海\n李娜,广州"),
    ("big5", "這是一個簡短的文件，謝謝您的閱讀。"),
    ("euc-kr", "서울은 대한민국의 수도이며 가장 큰 도시이다."),
]
# Encodings that are met less often, which are told by some lines, not by a word.
GERMAN = "Die Straße führt über die Brücke zum alten Schloß. Dort können größere Gruppen übernachten."
FRENCH = "L'été dernier, la mère a rencontré le président à la fenêtre ; ça s'est passé très tôt, hélas."
SPANISH = "El niño comió una manzana y después salió al jardín, donde jugó. ¿Quién lo vio allí?"
POLISH = "Proszę o przesłanie faktury na adres: ulica Świętokrzyska, Łódź. Dziękuję za życzliwość."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Šťastný člověk žije déle než ten, který stále něco řeší."
RUSSIAN = "Москва приняла решение о строительстве новой линии метро. Работы начнутся весной этого года."
BULGARIAN = "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и съвест."
UKRAINIAN = "Київ є столицею України, її найбільшим містом. Їжак їсть яблуко, а ґава сидить на дереві."
ARABIC = "القاهرة هي عاصمة مصر وأكبر مدنها. يعيش فيها ملايين الناس منذ قرون طويلة"
GREEK = "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας και η μεγαλύτερη πόλη της χώρας."
HEBREW = "ירושלים היא בירת ישראל והעיר הגדולה בה. כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם."
KOREAN = "서울은 대한민국의 수도이며 가장 큰 도시이다. 모든 사람은 태어날 때부터 자유롭다."
LITHUANIAN = (
    "Vilnius yra Lietuvos sostinė ir didžiausias šalies miestas. Čia gyvena daug žmonių, jų skaičius auga."
)
SELDOM = [
    *(("cp850", text) for text in (GERMAN, FRENCH, SPANISH)),
    *(("cp437", text) for text in (GERMAN, FRENCH, SPANISH)),
    *(("mac_roman", text) for text in (GERMAN, FRENCH, SPANISH)),
    *(("cp852", text) for text in (POLISH, CZECH)),
    *(("iso-8859-2", text) for text in (POLISH, CZECH)),
    *(("iso-8859-5", text) for text in (RUSSIAN, BULGARIAN)),
    *(("cp866", text) for text in (RUSSIAN, BULGARIAN)),
    *(("cp855", text) for text in (RUSSIAN, BULGARIAN)),
    *(("mac_cyrillic", text) for text in (RUSSIAN, BULGARIAN)),
    ("koi8-u", UKRAINIAN),
    ("iso-8859-6", ARABIC),
    ("iso-8859-7", GREEK),
    ("iso-8859-8", HEBREW),
    ("iso-8859-13", LITHUANIAN),
    ("johab", KOREAN),
    ("iso2022_kr", KOREAN),
]
# What an English text may hold beyond ASCII.
WORDS = ["café", "Köln", "São Paulo", "jalapeño", "Ångström", "£5", "25°C", "§ 5", "© 2009", "±2", "it’s"]
WORDS += ["façade", "Señor", "Bjørn", "crème brûlée", "Champs-Élysées", "Curaçao", "smörgåsbord", "…", "weiß"]
ENGLISH = "The meeting is at ten. Bring the plan with you.\n"
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
PLAIN = st.text(st.sampled_from("abcdefgh ÄÖ\n,.:19"), min_size=20).filter(str.strip)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=8)
RECORDS = st.dictionaries(VALUES, VALUES | st.integers(), min_size=1, max_size=9)


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
def test_text_is_read_in_the_old_encoding_of_its_language(encoding, text):
    for whole in (text, f"{text}\n" * 20, f"{text}\n" * 200, ENGLISH * 40 + f"{text}\n" + ENGLISH * 40):
        assert decode(whole.encode(encoding)) == whole


@pytest.mark.parametrize(("encoding", "text"), SELDOM)
def test_text_is_read_in_code_pages_of_dos_and_macs_and_in_national_standards(encoding, text):
    for whole in (f"{text}\n" * 3, f"{text}\n" * 200):
        assert decode(whole.encode(encoding)) == whole


def test_korean_of_seven_bits_is_read_beside_english():
    text = "한국어 text 0\n한국어 text 1\n"
    assert decode(text.encode("iso2022_kr")) == text


@pytest.mark.parametrize("encoding", ["cp850", "cp437", "mac_roman"])
def test_few_words_of_a_table_tell_the_code_page(encoding):
    text = "Name;Ort\nMüller;Zürich\nBäcker;Genève\n"
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("word", WORDS)
def test_one_western_word_in_english_text_is_read_as_such(word):
    for whole in (f"{word}\n", f"Please send it to {word} before Friday.\n", f"id,name\n1,{word}\n2,Smith\n"):
        for times in (0, 50):
            text = ENGLISH * times + whole + ENGLISH * times
            assert decode(text.encode("cp1252")) == text


def test_first_western_letter_is_found_however_late_it_comes():
    text = ENGLISH * 10_000 + "Müller in Zürich\n"
    assert decode(text.encode("cp1252")) == text
    assert decode(text.replace("\n", " ").encode("cp1252")) == text.replace("\n", " ")


@pytest.mark.parametrize(
    ("encoding", "line"),
    [("euc-jp", "東京は日本の首都です。\n"), ("gb18030", "北京是中国的首都，人口超过两千万。\n")],
)
def test_damaged_byte_costs_its_place_and_not_the_text(encoding, line):
    text = decode(line.encode(encoding) * 4000 + b"\xff\n" + line.encode(encoding) * 1000)
    assert text == line * 4000 + "\N{REPLACEMENT CHARACTER}\n" + line * 1000


@given(st.lists(PLAIN, min_size=1))
def test_some_nuls_in_a_text_are_noise(parts):
    assert decode("\0".join(parts).encode()) == "".join(parts)


def test_records_that_end_in_nul_are_no_utf16():
    data = b"".join(f"record number {number}\n\0".encode() for number in range(100))
    assert decode(data) == "".join(f"record number {number}\n" for number in range(100))


@pytest.mark.parametrize("encoding", WIDE)
@given(record=RECORDS)
def test_compact_json_is_read_in_wide_unicode_without_byte_order_mark(encoding, record):
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize(
    "text", ["一切从一个句子开始。这是第二句！\n" * 9, "Київ є столицею.\n", "Plain words\n"]
)
def test_prose_is_read_in_wide_unicode_without_byte_order_mark(encoding, text):
    assert decode(text.encode(encoding)) == text


def test_japanese_of_seven_bits_is_read():
    text = "日本語のテスト、ｶﾅ. And English.\n"
    assert decode(text.encode("iso2022_jp_ext")) == text


def test_colours_of_a_terminal_are_no_japanese():
    assert decode(b"\x1b[31mred\x1b[0m costs $5") == "[31mred[0m costs $5"


@pytest.mark.parametrize("data", [bytes(range(256)) * 8, bytes(100), b"\0\1\0\2" * 50, b"word\0" * 5])
def test_bytes_that_are_no_text_are_refused(data):
    with pytest.raises(BrokenDocument, match="binary data"):
        decode(data)
