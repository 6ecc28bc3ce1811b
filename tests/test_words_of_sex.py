"""Sex and age in the words of more languages; a letter is read beside those of its own alone."""

from __future__ import annotations

import pytest

from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError


def sexes(heading, man, woman, age="Age"):
    return read({heading: [man, woman, None], age: [61, 70, 66]})


@pytest.mark.parametrize(
    ("heading", "age", "man", "woman"),
    [
        ("Geslacht", "Leeftijd", "man", "Vrouw"),
        ("geslacht", "Leeftijd (jaar)", "M", "V"),
        ("Płeć", "Wiek", "mężczyzna", "kobieta"),
        ("plec", "wiek (lata)", "M", "K"),
        ("Пол", "Возраст", "мужской", "женский"),
        ("Пол", "Возраст, лет", "муж.", "жен."),
        ("пол", "возраст", "М", "Ж"),
        ("Cinsiyet", "Yaş", "Erkek", "Kadın"),
        ("CİNSİYET", "YAŞ (yıl)", "E", "K"),
        ("เพศ", "อายุ (ปี)", "ชาย", "หญิง"),
        ("Sex", "Age", "M", "K"),
        ("Geslacht (M/V)", "Leeftijd", "M", "V"),
        ("Sex (M/F)", "Age", "M", "F"),
        ("Gender: male/female", "Age", "Male", "Female"),
        ("性别（男、女）", "年龄", "男", "女"),
    ],
)
def test_sex_and_age(heading, age, man, woman):
    people = sexes(heading, man, woman, age)
    assert people["sex"].to_list() == ["male", "female", None]
    assert people["age"].to_list() == [61, 70, 66]


@pytest.mark.parametrize(
    ("heading", "man", "woman"),
    [("Sex", "M", "V"), ("Sexo", "M", "K"), ("Płeć", "K", "K"), ("Sexo (M/V)", "M", "V")],
)
def test_a_letter_that_its_neighbours_do_not_tell_is_refused(heading, man, woman):
    with pytest.raises(SchemaError, match="sex_coding="):
        sexes(heading, man, woman)


def test_a_letter_beside_a_word_of_another_language_is_not_understood():
    people = sexes("Sex", "male", "K")
    assert people["sex"].to_list() == ["male", None, None]
    assert people.findings.of("not_understood")[0].severity == "error"


def test_a_question_with_its_answers_in_brackets():
    answers = {
        "Postmenopausal (yes/no/unknown)": ["yes", "no"],
        "Fragility fracture (Y / N)": ["N", "Y"],
    }
    people = read({"Sex": ["F", "F"], "Age": [61, 70]} | answers)
    assert people["postmenopausal"].to_list() == [True, False]
    assert people["fragility_fracture"].to_list() == [False, True]


@pytest.mark.parametrize("heading", ["Excluded (Y/N)", "Sex (1/2)", "Hip fracture (Y/N)"])
def test_brackets_that_make_no_other_question(heading):
    """Who is excluded is unknown with brackets as without, and numbers are nobody's answers."""
    assert heading in read({"Age": [61, 70], heading: ["N", "Y"]}).columns
