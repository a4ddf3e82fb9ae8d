"""
The class of a failure, by Kafka's error codes (its protocol guide, and those of librdkafka from -1 down).

An error that is in no table may be temporary, so the same batch is tried again.
"""

from collections.abc import Collection

from confluent_kafka import KafkaError

from gateway.errors import Culprit, SinkMisconfigured, SinkUnavailable

REFUSED = {
    KafkaError.MSG_SIZE_TOO_LARGE: "too_large",
    KafkaError.RECORD_LIST_TOO_LARGE: "too_large",
    KafkaError.INVALID_RECORD: "invalid_record",  # the broker validates schemas
}
"""The codes of dead letters, for errors that an event is to blame for."""

MISCONFIGURED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._INVALID_ARG,
        KafkaError._SSL,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNSUPPORTED_FEATURE,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.ILLEGAL_SASL_STATE,
        KafkaError.POLICY_VIOLATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.UNSUPPORTED_VERSION,
    }
)
"""The errors that only an operator can fix."""

_FENCED = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})
_MAX_ANSWER_CHARACTERS = 4096


def translate(
    errors: Collection[KafkaError], trouble: KafkaError | None
) -> SinkMisconfigured | SinkUnavailable:
    """
    Return the SinkError for errors that no event is to blame for.

    `trouble` is the last error of the connections to brokers, which often says why a message was not sent.
    """
    worst = next((error for error in errors if error.code() in MISCONFIGURED), next(iter(errors)))
    if worst.code() in _FENCED:
        return SinkUnavailable("another process delivers to this sink as well", answer=describe(worst))
    cause = trouble if trouble and worst.code() not in MISCONFIGURED else worst
    failure = SinkMisconfigured if cause.code() in MISCONFIGURED else SinkUnavailable
    return failure(describe(cause), answer=describe(worst))


def culprit(error: KafkaError) -> Culprit:
    """Return the reason why an event is a dead letter."""
    return Culprit(describe(error), REFUSED[error.code()], describe(error))


def describe(error: KafkaError) -> str:
    """Return a line for operators."""
    return f"{error.name()}: {error.str()}"[:_MAX_ANSWER_CHARACTERS]
