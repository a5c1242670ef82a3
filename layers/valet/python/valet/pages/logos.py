"""Logos, which are inlined as `data:` addresses (RFC 2397): no page loads an image from another server."""

LARGEST = 8 * 1024  # bytes

_PNG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"


def media_type(logo: bytes) -> str | None:
    """The media type of a logo by its first bytes; None if it is neither PNG nor WebP, or too large."""
    if not 0 < len(logo) <= LARGEST:
        return None
    if logo.startswith(_PNG) and logo[12:16] == b"IHDR":
        return "image/png"
    if logo[:4] == _RIFF and logo[8:12] == _WEBP and int.from_bytes(logo[4:8], "little") + 8 == len(logo):
        return "image/webp"
    return None


def data_uri(logo: bytes) -> str:
    """The address that is the image itself; empty for what is no logo."""
    from base64 import b64encode  # few pages have a logo

    found = media_type(logo)
    return f"data:{found};base64,{b64encode(logo).decode()}" if found else ""


def with_logo(images: tuple[str, ...], logo: str) -> tuple[str, ...]:
    """The addresses that a page with this logo may load images from (CSP Level 3 §6.1.8, img-src)."""
    return (*images, "data:") if logo else images
