"""Every error that Tidemill raises on purpose.

TidemillError
├── Permanent                 trying again cannot help; someone has to mend something
│   ├── BadInput          400  what was sent cannot be used: a file, a row, a request
│   │   ├── BadSpec       400  a model's spec has mistakes; carries all of them
│   │   └── TooLarge      413  more than the limit allows
│   ├── NotFound          404  no such object, model or version
│   ├── AlreadyExists     409  create-only found the object there
│   ├── VersionMismatch   412  the object is not (any more) the version that was named
│   ├── Unsupported       501  this store, platform or format cannot do that
│   ├── Corrupt           500  what is stored does not match its hash or its format
│   └── Refused           422  understood, and the answer is no: a gate, a check, a policy
└── Transient             503  the same call may succeed later; hosts retry it with backoff
    └── TimeUp            503  some of the work is done, and a successor does the rest; hosts call it at once

A message is one sentence for the person who can mend it: it names the thing and says what to do.
Adapters translate their vendor's errors into these at their edge; nothing else inspects vendor errors.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar


class TidemillError(Exception):
    """Root of the tree; never raised itself."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR


class Permanent(TidemillError):
    """Trying again cannot help."""


class BadInput(Permanent):
    """What was sent cannot be used."""

    status = HTTPStatus.BAD_REQUEST


class BadSpec(BadInput):
    """A model's spec has mistakes; the message holds all of them, one a line."""


class TooLarge(BadInput):
    """More than the limit allows."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotFound(Permanent):
    """No such object, model or version."""

    status = HTTPStatus.NOT_FOUND


class AlreadyExists(Permanent):
    """Create-only found the object there."""

    status = HTTPStatus.CONFLICT


class VersionMismatch(Permanent):
    """The object is not the version that was named."""

    status = HTTPStatus.PRECONDITION_FAILED


class Unsupported(Permanent):
    """Not possible on this store, platform or format."""

    status = HTTPStatus.NOT_IMPLEMENTED


class Corrupt(Permanent):
    """What is stored does not match its hash or its format."""


class Refused(Permanent):
    """Understood, and the answer is no."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Transient(TidemillError):
    """The same call may succeed later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class TimeUp(Transient):
    """The time that a host gives is nearly up. What was done stands, and the same call goes on behind it.

    Raised only by who has come further than the call before, so that no call is repeated for ever.
    """
