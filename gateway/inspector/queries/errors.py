"""Why an operator's query gets no answer."""

from gateway.errors import GatewayError


class QueryError(GatewayError):
    """A query or an order that cannot be carried out; `code` is one word, the text is for people."""

    code = "failed"
    status = 500


class InvalidQuery(QueryError):
    """A parameter that is unknown, malformed, or means nothing here."""

    code, status = "invalid_parameter", 400


class NotFound(QueryError):
    """There is no sink, event, letter or replay of this name."""

    code, status = "not_found", 404


class Overloaded(QueryError):
    """More queries are waiting than can be answered soon."""

    code, status = "overloaded", 503
