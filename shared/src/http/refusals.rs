//! The problems that a route's command can lead to, in addition to those of its extractors and its answer.
//!
//! [`problem`](super::problem) converts errors to problems. Several commands share an error type, so these lists say
//! which of its problems a route can lead to. Every answer in every test is checked against them.

use super::problem::ProblemCode;

/// Declares lists of problems.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($code:ident),*;)*) => {$(
        $(#[$doc])*
        pub const $name: &[ProblemCode] = &[$(ProblemCode::$code),*];
    )*};
}

refusals! {
    /// No further problems.
    NONE: ;
    /// A preview of a code, for either balance.
    PREVIEW: CodeNotRecognised, TooManyWrongCodes, CodeAlreadyApplied, CodeExpired, CodeVoided, CodeNotForThisSite, CodeNotForSms,
        CodeNotForDynamicSites, BalanceLimit;
    /// A redemption of credits.
    REDEMPTION: CodeNotRecognised, TooManyWrongCodes, CodeAlreadyApplied, CodeExpired, CodeVoided, CodeNotForThisSite,
        CodeNotForDynamicSites, BalanceLimit;
    /// A redemption of SMS.
    SMS_REDEMPTION: CodeNotRecognised, TooManyWrongCodes, CodeAlreadyApplied, CodeExpired, CodeVoided, CodeNotForThisSite, CodeNotForSms,
        BalanceLimit;
    /// Fetching the codes of a batch, which writes a history line.
    FETCHED_CODES: OutcomeUnknown;
    /// Voiding codes.
    VOIDED_CODES: CodeNotRecognised;
    /// Listing the caller's sites or invitations, which requires a verified e-mail address.
    SITES: NotAllowed;
    /// Deleting a site.
    SITE_DELETION: NotAllowed, SiteNotEmpty;
    /// Inviting an administrator.
    INVITATION: NotAllowed, AdministratorExists, TooManyAdministrators, InvitationExists, TooManyInvitations;
    /// Sending an invitation again.
    RESENDING: NotAllowed, TooManySendings;
    /// Withdrawing an invitation.
    WITHDRAWAL: NotAllowed;
    /// Accepting an invitation.
    ACCEPTANCE: TooManyAdministrators;
    /// Changing an administrator's role, and offering the master's.
    ROLE_CHANGE: NotAllowed, LastMaster, InvitationExists, TooManyInvitations;
    /// Removing an administrator.
    ADMINISTRATOR_REMOVAL: NotAllowed, LastMaster;
    /// Registering devices.
    REGISTRATION: InsufficientCredits, PaymentRequired, DeviceExists, TooManyDevices;
    /// Replacing a device.
    REPLACEMENT: PaymentRequired, DeviceExists;
    /// Adding a user.
    NEW_USER: UserExists, TooManyUsers;
    /// Changing a user.
    USER_CHANGE: AnotherHolder;
    /// Importing users.
    IMPORT: TooManyUsers;
    /// Showing, pausing, resuming and revoking a card.
    CARD: CardNotFound;
    /// Issuing a card.
    CARD_ISSUE: InsufficientCredits, PaymentRequired, CardExists;
    /// Reissuing a card.
    CARD_REISSUE: InsufficientCredits, PaymentRequired, CardNotFound;
    /// Sending a message.
    MESSAGE: InsufficientSms, PaymentRequired, UserNotFound, CardNotFound, OptedOut, NoMobileNumber,
        SmsCountryNotAllowed, MessageTooLong, TooManyMessages;
    /// A preview of a message, which does not check whether the number's owner has opted out.
    MESSAGE_PREVIEW: InsufficientSms, PaymentRequired, UserNotFound, CardNotFound, NoMobileNumber,
        SmsCountryNotAllowed, MessageTooLong, TooManyMessages;
}
