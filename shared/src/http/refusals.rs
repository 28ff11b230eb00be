//! The problems that a route's command has of its own, beside those that its extractors and its answer bring.
//!
//! [`problem`](super::problem) makes problems of errors; this says which of them a route can lead to, where the error's
//! type is that of several commands. Every answer of every test is held against it.

use super::problem::ProblemCode;

/// Declares lists of problems.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($code:ident),*;)*) => {$(
        $(#[$doc])*
        pub const $name: &[ProblemCode] = &[$(ProblemCode::$code),*];
    )*};
}

refusals! {
    /// Nothing of its own.
    NONE: ;
    /// A preview of a code, for either balance.
    PREVIEW: CodeNotRecognised, CodeAlreadyApplied, CodeExpired, CodeVoided, CodeNotForThisSite, CodeNotForSms,
        CodeNotForDynamicSites, BalanceLimit;
    /// A redemption of credits.
    REDEMPTION: CodeNotRecognised, CodeAlreadyApplied, CodeExpired, CodeVoided, CodeNotForThisSite,
        CodeNotForDynamicSites, BalanceLimit;
    /// A redemption of SMS.
    SMS_REDEMPTION: CodeNotRecognised, CodeAlreadyApplied, CodeExpired, CodeVoided, CodeNotForThisSite, CodeNotForSms,
        BalanceLimit;
    /// Fetching the codes of a batch, which leaves a line in the history.
    FETCHED_CODES: OutcomeUnknown;
    /// Voiding codes.
    VOIDED_CODES: CodeNotRecognised;
    /// Listing one's sites, which takes a verified address.
    SITES: NotAllowed;
    /// Deleting a site.
    SITE_DELETION: NotAllowed, SiteNotEmpty;
    /// Inviting an administrator.
    INVITATION: NotAllowed, AdministratorExists, TooManyAdministrators;
    /// Changing an administrator's role, and removing one.
    ADMINISTRATOR_CHANGE: NotAllowed, LastMaster;
    /// Registering devices.
    REGISTRATION: InsufficientCredits, PaymentRequired, DeviceExists, TooManyDevices;
    /// Adding a user.
    NEW_USER: UserExists, TooManyUsers;
    /// Importing users.
    IMPORT: TooManyUsers;
    /// Showing, pausing, resuming and revoking a card.
    CARD: CardNotFound;
    /// Issuing a card.
    CARD_ISSUE: InsufficientCredits, PaymentRequired, CardExists;
    /// Issuing a card again.
    CARD_REISSUE: InsufficientCredits, PaymentRequired, CardNotFound;
    /// Sending a message.
    MESSAGE: InsufficientSms, PaymentRequired, UserNotFound, CardNotFound, OptedOut, NoMobileNumber,
        SmsCountryNotAllowed, MessageTooLong, TooManyMessages;
    /// A preview of a message, which asks nobody whether the number's owner opted out.
    MESSAGE_PREVIEW: InsufficientSms, PaymentRequired, UserNotFound, CardNotFound, NoMobileNumber,
        SmsCountryNotAllowed, MessageTooLong, TooManyMessages;
}
