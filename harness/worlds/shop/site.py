"""The shop as an ASGI app: routes, sessions, and what every answer carries."""

import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.worlds.shop import pages
from harness.worlds.shop.forms import quantity, read_address, read_form
from harness.worlds.shop.goods import CATEGORIES
from harness.worlds.shop.store import EmptyCartError, OutOfStockError, Store

_COOKIE = "session"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_TITLES = {
    400: "That cannot be read",
    403: "This form has expired",
    404: "Not found",
    405: "Not possible here",
    413: "Too much",
    415: "Not a form",
}


def app(
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    token: Callable[[], str] = lambda: secrets.token_hex(16),
    layout: pages.Layout = "usual",
    labels: pages.Labels = "usual",
    state: Path | None = None,
) -> ASGIApp:
    """Open a shop with a database of its own, fresh unless a run before this one left it in `state`.

    Args:
        now: the time of an order.
        token: 32 hex digits nobody can guess, for sessions.
        layout: where things are on its pages.
        labels: what its buttons say.
        state: a folder for what outlives the process; without one, the lifespan's end forgets everything.
    """
    return _Shop(now, token, layout, labels, None if state is None else state / "shop.sqlite").app


def moved(*, state: Path | None = None) -> ASGIApp:
    """Open a shop whose layout has changed: what it does is the same."""
    return app(layout="moved", state=state)


def relabelled(*, state: Path | None = None) -> ASGIApp:
    """Open a shop in which "Place order" takes a thing out of the cart, and "Cancel" orders."""
    return app(labels="changed", state=state)


class _Guard:
    """Adds the headers that every answer has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                ]
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class _Shop:
    def __init__(
        self,
        now: Callable[[], datetime],
        token: Callable[[], str],
        layout: pages.Layout,
        labels: pages.Labels,
        file: Path | None,
    ) -> None:
        self._now = now
        self._token = token
        self._layout: pages.Layout = layout
        self._labels: pages.Labels = labels
        self._secret = token().encode()
        self._file = file
        self._store = Store()
        self.app = Starlette(
            lifespan=self._lifespan,
            middleware=[Middleware(_Guard)],
            exception_handlers={HTTPException: self._problem},
            routes=[
                Route("/", self._all),
                Route("/category/{category}", self._category),
                Route("/search", self._search),
                Route("/prices", self._prices),
                Route("/products/{sku}", self._product),
                Route("/cart", self._cart, methods=["GET"]),
                Route("/cart", self._add, methods=["POST"]),
                Route("/cart/update", self._update, methods=["POST"]),
                Route("/cart/remove", self._remove, methods=["POST"]),
                Route("/checkout", self._checkout),
                Route("/orders", self._orders, methods=["GET"]),
                Route("/orders", self._place, methods=["POST"]),
                Route("/orders/{number}", self._order),
                Route("/help", self._help),
                Route("/state", self._state),
                Route("/style.css", self._style),
                Route("/icon.svg", self._icon),
                Route("/pictures/{sku}.svg", self._picture),
            ],
        )
        folder = files(__package__)
        sheets = ("style.css", "moved.css") if layout == "moved" else ("style.css",)
        self._css = "\n".join(folder.joinpath(name).read_text("utf-8") for name in sheets)
        self._pictures = {
            file.name.removesuffix(".svg"): file.read_text("utf-8")
            for file in folder.joinpath("pictures").iterdir()
        }

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        # Not before: a run's folder is empty until its trace begins.
        if self._file is not None:
            self._store.close()
            self._store = Store(self._file)
        try:
            yield
        finally:
            self._store.close()

    def _session(self, request: Request) -> str:
        """Give the visitor's session, a new one if the cookie is not one of ours."""
        sent = request.cookies.get(_COOKIE, "")
        if re.fullmatch(r"[0-9a-f]{32}", sent):
            return sent
        return str(request.scope.setdefault("shop.session", self._token()))

    def _csrf(self, session: str) -> str:
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()[:32]

    def _view(self, request: Request, words: str = "") -> pages.View:
        session = self._session(request)
        items = sum(line.quantity for line in self._store.cart(session))
        return pages.View(items, self._csrf(session), words, self._layout, self._labels)

    def _html(self, request: Request, page: str, status: int = 200) -> Response:
        return self._known(
            request, HTMLResponse(page, status, headers={"cache-control": "private, no-cache"})
        )

    def _known(self, request: Request, response: Response) -> Response:
        session = self._session(request)
        if request.cookies.get(_COOKIE) != session:
            secure = request.url.scheme == "https"
            response.set_cookie(_COOKIE, session, httponly=True, samesite="lax", secure=secure)
        return response

    def _problem(self, request: Request, error: Exception) -> Response:
        status, message = 500, "Something went wrong."
        if isinstance(error, HTTPException):
            status, message = error.status_code, error.detail
        if status == 404 and message == "Not Found":
            message = "This shop has no such page."
        if status == 405:
            message = f"{request.method} does nothing here."
        response = self._html(
            request,
            pages.problem(self._view(request), _TITLES.get(status, "Something went wrong"), message),
            status,
        )
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})
        return response

    async def _form(self, request: Request) -> dict[str, str]:
        form = await read_form(request)
        if not hmac.compare_digest(
            form.get("token", "").encode(), self._csrf(self._session(request)).encode()
        ):
            raise HTTPException(403, "Go back, load the page again, and send it once more.")
        return form

    async def _all(self, request: Request) -> Response:
        shelf = pages.catalogue(self._view(request), self._store.products(), category=None, heading="")
        return self._html(request, shelf)

    async def _category(self, request: Request) -> Response:
        category = next((one for one in CATEGORIES if one == request.path_params["category"]), None)
        if category is None:
            raise HTTPException(404, "This shop has no such category.")
        products = self._store.products(category)
        return self._html(
            request, pages.catalogue(self._view(request), products, category=category, heading="")
        )

    async def _search(self, request: Request) -> Response:
        asked = request.query_params.get("q", "")[:80]
        words = " ".join("".join(one if one.isprintable() else " " for one in asked).split())
        found = self._store.products(words=words)
        heading = f"{len(found)} found for “{words}”" if words else ""
        view = self._view(request, words)
        return self._html(request, pages.catalogue(view, found, category=None, heading=heading))

    async def _prices(self, request: Request) -> Response:
        return self._html(request, pages.prices(self._view(request), self._store.products()))

    async def _product(self, request: Request) -> Response:
        one = self._store.product(request.path_params["sku"])
        if one is None:
            raise HTTPException(404, "This shop has no such product.")
        return self._html(request, pages.product(self._view(request), one))

    async def _cart(self, request: Request) -> Response:
        lines = self._store.cart(self._session(request))
        return self._html(request, pages.cart(self._view(request), lines, {}, {}))

    async def _add(self, request: Request) -> Response:
        form = await self._form(request)
        one = self._store.product(form.get("sku", ""))
        if one is None:
            raise HTTPException(404, "This shop has no such product.")
        typed = form.get("quantity", "1")
        try:
            self._store.put(self._session(request), one.sku, quantity(typed), add=True)
        except (ValueError, OutOfStockError) as error:
            page = pages.product(self._view(request), one, str(error), typed[:20])
            return self._html(request, page, 422)
        return self._seen(request, "/cart")

    async def _update(self, request: Request) -> Response:
        form, session = await self._form(request), self._session(request)
        errors: dict[str, str] = {}
        typed: dict[str, str] = {}
        for line in self._store.cart(session):
            text = form.get(f"quantity-{line.sku}")
            if text is None:
                continue
            try:
                self._store.put(session, line.sku, quantity(text), add=False)
            except (ValueError, OutOfStockError) as error:
                errors[line.sku], typed[line.sku] = str(error), text[:20]
        if errors:
            page = pages.cart(self._view(request), self._store.cart(session), errors, typed)
            return self._html(request, page, 422)
        return self._seen(request, "/cart")

    async def _remove(self, request: Request) -> Response:
        form = await self._form(request)
        if self._store.product(form.get("sku", "")) is None:
            raise HTTPException(404, "This shop has no such product.")
        self._store.put(self._session(request), form["sku"], 0, add=False)
        return self._seen(request, "/cart")

    async def _checkout(self, request: Request) -> Response:
        lines = self._store.cart(self._session(request))
        if not lines:
            return self._seen(request, "/cart")
        return self._html(request, pages.checkout(self._view(request), lines, {}))

    async def _place(self, request: Request) -> Response:
        form, session = await self._form(request), self._session(request)
        lines = self._store.cart(session)
        if lines:
            address = read_address(form)
            if isinstance(address, dict):
                page = pages.checkout(self._view(request), lines, form, address)
                return self._html(request, page, 422)
            try:
                number = self._store.place(session, address, self._now())
            except EmptyCartError:
                lines = ()
            except OutOfStockError as error:
                page = pages.cart(self._view(request), lines, {}, {}, f"Nothing was ordered. {error}")
                return self._html(request, page, 409)
            else:
                return self._seen(request, f"/orders/{number}")
        page = pages.cart(
            self._view(request), lines, {}, {}, "Nothing was ordered: there was nothing to order."
        )
        return self._html(request, page, 409)

    async def _orders(self, request: Request) -> Response:
        return self._html(
            request, pages.orders(self._view(request), self._store.orders(self._session(request)))
        )

    async def _order(self, request: Request) -> Response:
        number = request.path_params["number"]
        for one in self._store.orders(self._session(request)):
            if str(one.id) == number:
                return self._html(request, pages.order(self._view(request), one))
        raise HTTPException(404, "You have no such order.")

    async def _help(self, request: Request) -> Response:
        return self._html(request, pages.help_page(self._view(request)))

    async def _state(self, _: Request) -> Response:
        return JSONResponse(self._store.state(), headers={"cache-control": "no-store"})

    async def _style(self, _: Request) -> Response:
        return _static(self._css, "text/css")

    async def _icon(self, _: Request) -> Response:
        return _static(self._pictures["icon"], "image/svg+xml")

    async def _picture(self, request: Request) -> Response:
        drawing = self._pictures.get(request.path_params["sku"])
        if drawing is None:
            raise HTTPException(404, "This shop has no such picture.")
        return _static(drawing, "image/svg+xml")

    def _seen(self, request: Request, where: str) -> Response:
        """Send the visitor on after a form, so that loading again repeats nothing."""
        return self._known(request, RedirectResponse(where, 303, headers={"cache-control": "no-store"}))


def _static(text: str, kind: str) -> Response:
    return Response(text, media_type=kind, headers={"cache-control": "max-age=3600"})
