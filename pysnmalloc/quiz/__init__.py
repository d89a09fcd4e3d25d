"""The quiz: predict the next address, head, link, bucket or hop, in the manner of a paper homework (§2).

    topics ──► question ──► sizeclass, freelist, metadata, superslab, pagemap, queue, radix
    session    Dice         each creates problems by running the real allocator

    question = next(questions("freelist", seed=0))
    verdict = judge(question, "0x240")

Questions never end, and depend on the seed alone. The state that a question shows is a real one,
and its explanation is what really happened. Read ``question`` first, then one topic.

Imported by: cli.

    question, session, slabs, net, topics/
"""

from .question import Form, Problem, Question, Topic
from .session import GIVE_UP, NotANumber, Score, Verdict, judge, parse_answer, session
from .topics.catalogue import ALL, TOPICS, questions

__all__ = [
    "ALL",
    "GIVE_UP",
    "TOPICS",
    "Form",
    "NotANumber",
    "Problem",
    "Question",
    "Score",
    "Topic",
    "Verdict",
    "judge",
    "parse_answer",
    "questions",
    "session",
]
