"""What the simulator remembers of its requests."""

from app.claude.simulator.recording import MOST_REQUESTS, RecordedRequest, Recording


def recorded(path: str, size_bytes: int) -> RecordedRequest:
    return RecordedRequest("POST", path, {}, None, size_bytes)


def test_a_recording_is_bounded_in_number_and_in_bytes() -> None:
    recording = Recording(most_bytes=100)
    for number in range(MOST_REQUESTS + 5):
        recording.add(recorded(str(number), 0))
    assert len(recording.requests) == MOST_REQUESTS
    recording.add(recorded("big", 90))
    recording.add(recorded("bigger", 95))
    assert [request.path for request in recording.requests] == ["bigger"]
    recording.add(recorded("biggest", 1_000))
    assert [request.path for request in recording.requests] == ["biggest"]
