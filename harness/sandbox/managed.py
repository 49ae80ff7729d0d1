"""Chromium's managed policy: what is off in the browser itself, before any request comes to the gateway.

Chromium reads it when it starts, from a folder under `/etc` that only the machine's owner can write; behind
walls that is a mount of the run's own, and whatever policy this machine has is not there. It is depth. The
network namespace and the gateway are the boundary, and hold without it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import JsonValue

PLACES: Final = ("chromium", "chromium-browser", "opt/chrome", "opt/chrome_for_testing")
"""Where builds of Chromium look for `policies/managed/*.json`, under `/etc`."""

SCHEMES: Final = ("chrome://*", "chrome-untrusted://*", "chrome-extension://*", "devtools://*")
"""What `*` does not speak of, though it shows the browser and not the web. The other schemes that are not the
web's are within `*`: file, view-source, ftp, filesystem, and every program's own, such as mailto."""

VIEWER: Final = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai"
"""Chromium's own PDF viewer, which shows every PDF from a frame at this address."""


_DEVICES = "the page is refused at once, where it would wait for a choice that nobody is shown"
_ASKED = "the page is told denied, where it would be told that it may ask"
_PICKERS = "refused before there is a picker, where a picker would open and be closed"
_FORMS = "no form's shape is sent to the browser's maker; the three act only together"
_CALLS = "Playwright's switches and ours keep it quiet; for a browser started without them"
_SCREEN = "a headless browser has no window for it; for a browser that is shown"

ACTING: Final[Mapping[str, tuple[JsonValue, str]]] = {
    "NetworkPredictionOptions": (2, "no connection, name or page ahead of the one asked for"),
    "WebRtcIPHandling": ("disable_non_proxied_udp", "no UDP past the proxy"),
    "WebRtcUdpPortRange": ("1-1", "no UDP port to send from"),
    "BuiltInDnsClientEnabled": (False, "no name server asked by the browser itself"),
    "BasicAuthOverHttpEnabled": (False, "no password prompt by plain http"),
    "DefaultGeolocationSetting": (2, _ASKED),
    "DefaultNotificationsSetting": (2, _ASKED),
    "AudioCaptureAllowed": (False, _ASKED),
    "VideoCaptureAllowed": (False, _ASKED),
    "DefaultClipboardSetting": (2, f"{_ASKED}; a click may still copy"),
    "DefaultWindowManagementSetting": (2, _ASKED),
    "DefaultLocalFontsSetting": (2, _ASKED),
    "DefaultIdleDetectionSetting": (2, _DEVICES),
    "DefaultSensorsSetting": (2, "motion and light: denied, where they would be granted"),
    "DefaultWebUsbGuardSetting": (2, _DEVICES),
    "DefaultSerialGuardSetting": (2, _DEVICES),
    "DefaultWebHidGuardSetting": (2, _DEVICES),
    "ScreenCaptureAllowed": (False, _DEVICES),
    "DefaultFileSystemReadGuardSetting": (2, _PICKERS),
    "DefaultFileSystemWriteGuardSetting": (2, _PICKERS),
    "PaymentMethodQueryEnabled": (False, "a page is not told which ways to pay are set up"),
    "PasswordManagerEnabled": (False, _FORMS),
    "AutofillAddressEnabled": (False, _FORMS),
    "AutofillCreditCardEnabled": (False, _FORMS),
    "SpellcheckLanguageBlocklist": (
        ["en-US"],
        "no dictionary fetched for what is typed, at a time of its own",
    ),
}
"""What is off in every run, and what it does: each is seen to act in a headless Chromium under Playwright."""

IDLE: Final[Mapping[str, tuple[JsonValue, str]]] = {
    "PrintingEnabled": (False, _SCREEN),
    "TranslateEnabled": (False, _SCREEN),
    "DefaultWebBluetoothGuardSetting": (2, "Chromium for Linux has no Web Bluetooth; others have"),
    "ExtensionInstallBlocklist": (["*"], _CALLS),
    "BrowserSignin": (0, _CALLS),
    "SyncDisabled": (True, _CALLS),
    "SearchSuggestEnabled": (False, _CALLS),
    "SpellCheckServiceEnabled": (False, _CALLS),
    "MetricsReportingEnabled": (False, _CALLS),
    "SafeBrowsingProtectionLevel": (0, _CALLS),
    "ComponentUpdatesEnabled": (False, _CALLS),
    "BackgroundModeEnabled": (False, _CALLS),
    "DnsOverHttpsMode": ("off", _CALLS),
    "QuicAllowed": (False, _CALLS),
    "AuthSchemes": ("", "no proxy's or host's sign-in with what this machine's user is"),
}
"""What does nothing there that can be seen, and why it is off all the same."""

LEFT_OUT: Final = {
    "DeveloperToolsAvailability": "2 closes the debugging pipe, so that Playwright cannot drive it",
    "RemoteDebuggingAllowed": "false closes the debugging pipe",
    "HeadlessMode": "2 forbids to start",
    "DownloadRestrictions": "does nothing under Playwright; its own `accept_downloads` does",
    "AllowFileSelectionDialogs": "does nothing under Playwright; the driver draws the picker and judges it",
    "DefaultPopupsSetting": "does nothing more than leaving out Playwright's --disable-popup-blocking",
    "ProxySettings": "would take the place of the switch that names the relay",
    "DefaultMidiSetting": "no such key in Chromium 156; a headless browser refuses MIDI by itself",
    "RegisteredProtocolHandlers": "an error in Chromium 156; `*` in URLBlocklist blocks foreign schemes",
    "AlwaysOpenPdfExternally": "would close the PDF viewer's address, and with it every PDF",
}
"""What one would expect to find and does not, and why."""


def managed(reach: Iterable[str] | None) -> dict[str, JsonValue]:
    """Give the managed policy of one run.

    Args:
        reach: Chromium's URL filters for where pages and frames may be; nothing for anywhere on the web,
            where the gateway alone says so.
    """
    where = ("http://*", "https://*") if reach is None else tuple(reach)
    return {
        "URLBlocklist": ["*", *SCHEMES],
        "URLAllowlist": [*where, "data:*", VIEWER],
        **{name: value for name, (value, _) in {**ACTING, **IDLE}.items()},
    }


def document(reach: Iterable[str] | None = None) -> str:
    """Give the managed policy of one run as JSON."""
    return json.dumps(managed(reach))
