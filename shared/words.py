"""What a person is told of each error: a title and a sentence or two, by public code."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "internal_error": (
        "Something went wrong here",
        "The app failed in a way it did not expect. Trying again may help; the reference below finds the log entry.",
    ),
    "not_configured": (
        "This app is not set up yet",
        "Its settings are missing or wrong. Whoever runs it finds each fault by name in the log.",
    ),
    "invalid_request": (
        "The request is not understood",
        "A parameter is unknown, repeated or not of the form it must have.",
    ),
    "invalid_cursor": (
        "This page link no longer works",
        "The link to the next page was changed, or belongs to another sign-in. Read the list from its start again.",
    ),
    "cross_site": (
        "This must come from the app's own page",
        "The request came from another site, so it was not carried out. Open the app and try there.",
    ),
    "not_found": (
        "There is nothing here",
        "This address names nothing that the app has.",
    ),
    "not_signed_in": (
        "You are not signed in",
        "There is no session for this browser, or it has ended. Sign in to go on.",
    ),
    "interaction_required": (
        "Microsoft wants you to sign in again",
        "Your organisation's rules ask for a new sign-in before mail can be read on. Nothing was lost.",
    ),
    "consent_required": (
        "A permission is missing",
        "The permission that this needs was not granted. Sign in again to grant it; in some organisations an "
        "administrator must agree first.",
    ),
    "account_not_allowed": (
        "This account cannot be used here",
        "The app does not serve this account's organisation. Sign in with another account.",
    ),
    "session_not_found": (
        "This session has ended already",
        "You are not signed in there any more.",
    ),
    "sign_in_expired": (
        "This sign-in is too old, or began elsewhere",
        "Nothing is wrong with your account: the page was left open too long, was opened from a bookmark, or "
        "cookies are blocked here. Start again; if it keeps happening, allow cookies for this site.",
    ),
    "sign_in_cancelled": (
        "The sign-in was cancelled",
        "Nothing was changed and nothing was read. You can try again whenever you like.",
    ),
    "sign_in_refused": (
        "The sign-in did not work",
        "Microsoft's answer could not be accepted as proof of who you are. Start again.",
    ),
    "session_too_large": (
        "This account's tokens are too large",
        "Microsoft issued tokens larger than this app can keep. An administrator can reduce the claims that "
        "the app registration asks for.",
    ),
    "entra_unavailable": (
        "Microsoft's sign-in service does not answer",
        "It is busy or out of reach. You stay signed in; try again shortly.",
    ),
    "entra_bad_answer": (
        "Microsoft's sign-in service answered nonsense",
        "Its answer could not be read. You stay as you were; try again.",
    ),
    "app_registration_refused": (
        "Microsoft does not accept this app's own credential",
        "Whoever runs the app must renew it; the log says what to do. Nobody was signed out.",
    ),
    "no_mailbox": (
        "This account has no mailbox here",
        "Microsoft knows the account but has no Exchange Online mailbox for it. A guest's mailbox is in the "
        "home organisation: sign in with that account.",
    ),
    "message_not_found": (
        "This message is gone",
        "It was moved or deleted since the list was read.",
    ),
    "folder_not_found": (
        "This folder is gone",
        "It was deleted since the folders were listed.",
    ),
    "message_too_large": (
        "This message is too large to be shown here",
        "It has more than 8 MB without its attachments. It can be read in Outlook.",
    ),
    "attachment_not_found": (
        "This attachment cannot be found",
        "It was removed, or its message was moved or deleted.",
    ),
    "attachment_without_file": (
        "This attachment is not a file",
        "It is another message, an event, a contact or a link. It can be opened in Outlook.",
    ),
    "attachment_too_large": (
        "This attachment is too large to be fetched here",
        "Attachments of up to 25 MB can be fetched. It can be had in Outlook.",
    ),
    "throttled": (
        "Microsoft asks to wait",
        "This mailbox was asked too often. It answers again after a short pause.",
    ),
    "mailbox_busy": (
        "This mailbox is still busy",
        "Four requests for it are under way, which is as many as Exchange allows. Try again in a moment.",
    ),
    "graph_refused": (
        "Microsoft refused this request",
        "The mail service did not accept what was asked. Its own code is given with this error.",
    ),
    "graph_bad_answer": (
        "The mail service answered nonsense",
        "Its answer was cut short or could not be read, so nothing of it is shown. Try again.",
    ),
    "graph_unavailable": (
        "The mail service does not answer",
        "It is busy or out of reach. You stay signed in; try again shortly.",
    ),
    "graph_timeout": (
        "The mail service took too long",
        "It did not answer in time. A shorter list may help in a very large mailbox.",
    ),
    "storage_unavailable": (
        "The app cannot reach its storage",
        "You stay signed in; try again shortly.",
    ),
    "keys_unavailable": (
        "The app cannot reach its keys",
        "You stay signed in; try again shortly.",
    ),
    "session_busy": (
        "This session is being renewed",
        "Another request is renewing it and needs longer than usual. Try again in a few seconds.",
    ),
}
