"""Table 9-10 of PS3.8 a second time, typed state by state where `scpd.ul.table` has it event by event."""

import itertools

import pytest

from scpd.ul.table import TABLE, Action, State, Stimulus

COLUMNS = {
    1: {1: "AE-1", 5: "AE-5"},
    2: {
        **{3: "AA-1", 4: "AA-1", 6: "AE-6", 10: "AA-1", 12: "AA-1", 13: "AA-1"},
        **{16: "AA-2", 17: "AA-5", 18: "AA-2", 19: "AA-1"},
    },
    3: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AA-8"},
        **{7: "AE-7", 8: "AE-8", 15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    4: {2: "AE-2", 15: "AA-2", 17: "AA-4"},
    5: {
        **{3: "AE-3", 4: "AE-4", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AA-8"},
        **{15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    6: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "DT-2", 12: "AR-2", 13: "AA-8"},
        **{9: "DT-1", 11: "AR-1", 15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    7: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AR-6", 12: "AR-8", 13: "AR-3"},
        **{15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    8: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AA-8"},
        **{9: "AR-7", 14: "AR-4", 15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    9: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AA-8"},
        **{14: "AR-9", 15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    10: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AR-10"},
        **{15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    11: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AR-3"},
        **{15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    12: {
        **{3: "AA-8", 4: "AA-8", 6: "AA-8", 10: "AA-8", 12: "AA-8", 13: "AA-8"},
        **{14: "AR-4", 15: "AA-1", 16: "AA-3", 17: "AA-4", 19: "AA-8"},
    },
    13: {
        **{3: "AA-6", 4: "AA-6", 6: "AA-7", 10: "AA-6", 12: "AA-6", 13: "AA-6"},
        **{16: "AA-2", 17: "AR-5", 18: "AA-2", 19: "AA-7"},
    },
}


def test_there_are_as_many_events_states_and_actions_as_in_the_standard() -> None:
    assert [stimulus.value for stimulus in Stimulus] == [f"Evt{number}" for number in range(1, 20)]
    assert [state.value for state in State] == [f"Sta{number}" for number in range(1, 14)]
    numbers = [("AE", 8), ("DT", 2), ("AR", 10), ("AA", 8)]
    assert [action.value for action in Action] == [f"{kind}-{n}" for kind, last in numbers for n in range(1, last + 1)]


@pytest.mark.parametrize(("event", "state"), list(itertools.product(range(1, 20), range(1, 14))))
def test_every_cell_names_the_action_of_table_9_10(event: int, state: int) -> None:
    action = TABLE.get((Stimulus(f"Evt{event}"), State(f"Sta{state}")))
    expected = COLUMNS[state].get(event)
    assert (action and action.value) == expected


def test_as_many_cells_are_filled_as_in_the_standard() -> None:
    assert len(TABLE) == 123
    assert set(TABLE.values()) == set(Action)
