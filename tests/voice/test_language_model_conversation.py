"""A spoken conversation that a language model words: real WebRTC, real speech, OpenAI's wire."""

from __future__ import annotations

from contracts.turns import TurnPurpose
from language_models import LanguageModel
from tests.fakes.openai_server import KEY, MODEL, OpenAIServer, Says
from tests.integration.test_language_model_interviewer import WORDED, listens, misses
from tests.voice.rooms import CACHE, HASH, RoomFor

TABLE = "It is a table that maps keys to values with a hash function."
UNCLEAR = "I am afraid I cannot make sense of what you want from me."
PLACE = "The hash of the key gives the index of the bucket."
IN_OTHER_WORDS = "What does one mean by a hash table? Please say what it is."


async def test_it_rephrases_follows_up_and_leaves_the_course_to_the_workflow(
    room_for: RoomFor,
) -> None:
    async with OpenAIServer(Says(listens("answer\nNoted, let us move along."))) as server:
        model = LanguageModel(server.base_url, KEY, MODEL)
        room = room_for(HASH, CACHE, missing=misses, rehearse=(TABLE, UNCLEAR, PLACE), model=model)
        await room.candidate.join()
        await room.asked("What is a hash table?")
        server.script += [Says("rephrase"), Says(IN_OTHER_WORDS, between_s=0.05)]
        await room.candidate.ask(UNCLEAR)
        await room.asked("Please say what it is.")
        await room.candidate.ask(TABLE)
        await room.asked(WORDED)
        await room.candidate.ask(PLACE)
        await room.asked("What is a cache used for?")
        await room.candidate.leave()
        await room.reception.result()
        await model.close()
    assert "Noted, let us move along." in room.bot_turns()
    assert room.interview.calls == ["record 1", "record 2"]
    assert TurnPurpose.FOLLOW_UP in room.purposes()
    assert len(room.interview.used) == len(server.asked)
