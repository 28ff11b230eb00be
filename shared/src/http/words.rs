//! The words that a body may have in some of its members.

pub(super) const SITE_TYPE: &[&str] = &["dynamic", "regular"];
pub(super) const ROLE: &[&str] = &["master", "sub_master", "site_admin"];
pub(super) const RECHARGE: &[&str] = &["credits", "sms"];
pub(super) const USER_KIND: &[&str] = &["employee", "visitor", "member"];
pub(super) const LIVE_CARD_STATUS: &[&str] = &["active", "paused"];
