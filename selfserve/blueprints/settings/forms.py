"""The form that sets the price of a model."""

from wtforms import HiddenField, StringField

from selfserve.schemas.prices import PriceForm
from selfserve.services.model_prices import PriceInQuestion
from selfserve.web.forms import SchemaForm
from selfserve.web.words import amount_per_million


class SetPriceForm(SchemaForm[PriceForm]):
    """What a model costs, in dollars per million tokens."""

    schema = PriceForm
    model = StringField("Model")
    input_price = StringField("Input")
    output_price = StringField("Output")
    cached_price = StringField("Cached input")
    shown = HiddenField()

    @classmethod
    def of(cls, model: str, asked: PriceInQuestion) -> "SetPriceForm":
        """Fill the form with what a model costs now, as far as anybody knows."""
        rate = asked.now.rate if asked.now else None
        return cls(
            is_fresh=True,
            model=model,
            input_price=amount_per_million(rate.prompt) if rate else "",
            output_price=amount_per_million(rate.completion) if rate else "",
            cached_price=amount_per_million(rate.cached) if rate and rate.cached != rate.prompt else "",
            shown=asked.edition,
        )
