"""What a call costs, by what the user says or the price list of `genai-prices`. An unknown price is None, never 0."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Rates(BaseModel):
    """What a server charges, in US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """For tokens of the prompt that the server had cached; as `prompt` where not given."""


FREE = Rates(prompt=0, completion=0)


def cost(
    model: str,
    base_url: str,
    prompt: int | None,
    cached: int | None,
    completion: int | None,
    rates: Rates | None = None,
    written: int | None = None,
) -> float | None:
    """Return the price of a call in US dollars.

    Args:
        model: The model's name at the provider.
        base_url: The provider's address, by which the price list finds it.
        prompt: Tokens of the prompt, the cached ones among them, which are charged once, at their own price.
        cached: Tokens of the prompt that the provider had cached.
        completion: Tokens of the answer.
        rates: What the server charges, where the user says so.
        written: Tokens of the prompt that the provider charges for putting into its cache.

    Returns:
        The price; None where the provider, the model or the number of tokens is not known.
    """
    if rates == FREE:
        return 0.0
    if prompt is None or completion is None:
        return None
    if rates is not None:
        kept = (cached or 0) * (rates.prompt if rates.cached is None else rates.cached)
        return ((prompt - (cached or 0)) * rates.prompt + kept + completion * rates.completion) / 1e6
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=prompt,
        cache_read_tokens=cached or None,
        cache_write_tokens=written or None,
        output_tokens=completion,
    )
    try:
        return float(calc_price(usage, model, provider_api_url=base_url).total_price)
    except (LookupError, ValueError):
        return None
