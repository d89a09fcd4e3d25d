"""The quiz: predict the next address, head, link, bucket or hop, as in a paper homework.

    topics ──► question ──► sizeclass, freelist, metadata, superslab, pagemap, queue, radix
    session    Dice         each creates problems by running the real allocator

    question = next(questions("freelist", seed=0))
    verdict = judge(question, "0x240")

Questions are endless and depend only on the seed. The state shown is that of a
real heap, and the explanation is read from what happened. Each topic names its
section of the paper.
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
