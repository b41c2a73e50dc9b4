"""What a call costs, by the price list of `genai-prices`. A price that is not known is None, never 0."""

from __future__ import annotations


def cost(model: str, base_url: str, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
    """Return the price of a call in US dollars.

    Args:
        model: The model's name at the provider.
        base_url: The provider's address, by which the price list finds it.
        prompt: Tokens of the prompt, the cached ones among them; the list charges those once, at their own price.
        cached: Tokens of the prompt that the provider had cached.
        completion: Tokens of the answer.

    Returns:
        The price; None where the provider, the model or the number of tokens is not known.
    """
    if prompt is None or completion is None:
        return None
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=prompt, cache_read_tokens=cached or None, output_tokens=completion)
    try:
        return float(calc_price(usage, model, provider_api_url=base_url).total_price)
    except (LookupError, ValueError):
        return None
