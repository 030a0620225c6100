"""Keys are found where they stand, whatever stands between them."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from scpd.config.positions import Path, positions
from scpd.profile.toml import quoted

TEXT = '''# a comment with = and [brackets]
top = 1
"quoted key" = "x = [y" # z = 1
dotted . key = 'it = "s'

[ table ]   # comment
\tinner = [ # first
  "a]", 'b[', # = ]
  { deep = "}" },
]
multi = """
not = "a key"
[not.a.table] \\"""
still = not"""
literal = \'\'\'
no = 'key' \'\'\'
after = {a = [1], "b" = {c = 2}}

[[array]]
name = "first"
[array.sub]
x = 1
[[array.sub.list]]
y = 1
[[array]]
name = "second"
[[array.list]]
[[array.list]]
y = 2
'''


def test_every_key_of_a_tangled_text_is_found() -> None:
    tomllib.loads(TEXT)
    found = {path: tuple(place) for path, place in positions(TEXT).items()}
    assert found == {
        (): (1, 1),
        ("top",): (2, 1),
        ("quoted key",): (3, 1),
        ("dotted", "key"): (4, 1),
        ("table",): (6, 3),
        ("table", "inner"): (7, 2),
        ("table", "multi"): (11, 1),
        ("table", "literal"): (15, 1),
        ("table", "after"): (17, 1),
        ("array", 0): (19, 3),
        ("array", 0, "name"): (20, 1),
        ("array", 0, "sub"): (21, 2),
        ("array", 0, "sub", "x"): (22, 1),
        ("array", 0, "sub", "list", 0): (23, 3),
        ("array", 0, "sub", "list", 0, "y"): (24, 1),
        ("array", 1): (25, 3),
        ("array", 1, "name"): (26, 1),
        ("array", 1, "list", 0): (27, 3),
        ("array", 1, "list", 1): (28, 3),
        ("array", 1, "list", 1, "y"): (29, 1),
    }


def test_a_text_that_ends_without_a_line_end() -> None:
    assert positions("a = 1")[("a",)] == (1, 1)
    assert positions("a = 1\r\nb = 2\r\n")[("b",)] == (2, 1)
    assert positions("") == {(): (1, 1)}


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.integers().map(str)
    | keys.map(quoted)
    | st.sampled_from(['"""a\n b = 1\n"""', "'''[x]\n'''", "true", "[ # ]\n]"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda texts: "[" + ",\n".join(texts) + "]"),
    max_leaves=5,
)


@given(st.dictionaries(keys, values, max_size=6))
def test_any_keys_are_found_in_order_behind_any_values(entries: dict[str, str]) -> None:
    text = "".join(f"{quoted(key)} = {value}\n" for key, value in entries.items())
    assert tomllib.loads(text).keys() == entries.keys()
    found: list[Path] = [path for path in positions(text) if path]
    assert found == [(key,) for key in entries]
    lines = [place.line for path, place in positions(text).items() if path]
    assert lines == sorted(lines)
    assert all(text.split("\n")[line - 1].startswith('"') for line in lines)
