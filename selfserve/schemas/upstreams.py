"""Upstreams, as forms name them."""

from selfserve.schemas.fields import FormCommand, Text


class UpstreamTest(FormCommand):
    """The button that asks an upstream for its models: by the name it is configured under, never by an address."""

    upstream: Text
