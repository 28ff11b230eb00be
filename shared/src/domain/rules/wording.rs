//! What people are told, in their site's language: English, Korean, German, French, Spanish and Japanese. A site of any
//! other language is written to in English.

use crate::domain::model::entry::{Entry, Event};
use crate::domain::model::site::{Role, SentInvitation, Site};
use crate::domain::values::country::Language;
use crate::domain::values::names::SiteName;
use jiff::Timestamp;
use jiff::civil::Date;

/// The languages that there are texts in, English first.
const LANGUAGES: [&str; 6] = ["en", "ko", "de", "fr", "es", "ja"];

/// The language in which a site is written to: its own, or English where there are no texts in that.
#[must_use]
pub fn language_for(site: &Site) -> Language {
    with_texts(&site.language)
}

fn with_texts(language: &Language) -> Language {
    let own = LANGUAGES.contains(&language.as_str());
    if own {
        language.clone()
    } else {
        Language::default()
    }
}

/// The message that delivers a card.
#[must_use]
pub fn card_message(language: &Language, site: &SiteName, link: &str) -> String {
    match language.as_str() {
        "ko" => format!("{site}: 모바일 출입카드가 발급되었습니다. 받기: {link}"),
        "de" => format!("{site}: Ihre Zutrittskarte ist bereit. Hier laden: {link}"),
        "fr" => format!("{site} : votre carte d'accès est disponible : {link}"),
        "es" => format!("{site}: su tarjeta de acceso ya está lista: {link}"),
        "ja" => format!("{site}:入館カードをご利用いただけます。取得はこちら {link}"),
        _ => format!("{site}: your access card is ready. Get it here: {link}"),
    }
}

/// A message of the site's own.
#[must_use]
pub fn notice_message(site: &SiteName, text: &str) -> String {
    format!("{site}: {text}")
}

/// What is published of an entry or an invitation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// By which repeats are told: the site and the sequence number of the entry, or the ID of the invited person and how often
    /// the invitation was sent.
    pub id: String,
    /// `warning`, `halt`, `resume` or `invitation`.
    pub kind: &'static str,
    /// The language of the text.
    pub language: Language,
    /// When it happened.
    pub at: Timestamp,
    /// A short title, without the site's name, which may be long.
    pub subject: String,
    /// Which site, what, when, and how much is missing.
    pub text: String,
    /// What whoever passes it on needs beside the text, by names: of an invitation, to whom and what is offered.
    pub more: Vec<(&'static str, String)>,
}

impl Notice {
    /// What its ID is called.
    #[must_use]
    pub fn id_name(&self) -> &'static str {
        match self.kind {
            "invitation" => "invitation_id",
            _ => "entry_id",
        }
    }
}

/// The kinds of entries that are published.
pub const NOTICE_KINDS: [&str; 3] = ["warning", "halt", "resume"];

/// The notice of an entry; `None` where its kind is not published.
#[must_use]
pub fn notice(entry: &Entry, site: &Site) -> Option<Notice> {
    let language = language_for(site);
    let who = format!("{} ({})", site.name, site.id);
    let (kind, (subject, text)) = match entry.event {
        Event::Warning {
            falls_short_on,
            missing,
            days_before,
        } => {
            let days = days_before.days();
            (
                "warning",
                warning(&language, &who, falls_short_on, missing, days),
            )
        }
        Event::Halt {
            due_on, devices, ..
        } => {
            let missing = u64::from(devices).saturating_sub(entry.balances.credits);
            ("halt", halt(&language, &who, due_on, devices, missing))
        }
        Event::Resume { resumed_on, .. } => ("resume", resume(&language, &who, resumed_on)),
        _ => return None,
    };
    Some(Notice {
        id: format!("{}-{}", entry.site_id, entry.sequence),
        kind,
        subject: format!("{subject}: {}", site.id),
        language,
        at: entry.at,
        text,
        more: Vec::new(),
    })
}

/// The notice of an invitation, which is for its address alone.
#[must_use]
pub fn invitation_notice(sent: &SentInvitation) -> Notice {
    let language = with_texts(&sent.language);
    let who = format!("{} ({})", sent.site_name, sent.site_id);
    let until = sent.over_at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let (subject, text) = invitation(&language, &who, sent.role, &until);
    Notice {
        id: format!("{}-{}", sent.site_id, sent.entry),
        kind: "invitation",
        subject: format!("{subject}: {}", sent.site_id),
        language,
        at: sent.sent_at,
        text,
        more: vec![
            ("email", sent.email.to_string()),
            ("site_name", sent.site_name.to_string()),
            ("role", sent.role.as_str().to_owned()),
            ("expires_at", sent.over_at.to_string()),
        ],
    }
}

/// A role, as people call it.
fn role_name(language: &Language, role: Role) -> &'static str {
    match (language.as_str(), role) {
        ("ko", Role::Master) => "마스터",
        ("ko", Role::SubMaster) => "서브마스터",
        ("ko", Role::SiteAdmin) => "사이트 관리자",
        ("de", Role::Master) => "Master",
        ("de", Role::SubMaster) => "Sub-Master",
        ("de", Role::SiteAdmin) => "Standort-Administrator",
        ("fr", Role::SubMaster) => "sous-master",
        ("fr", Role::SiteAdmin) => "administrateur du site",
        ("es", Role::Master) => "máster",
        ("es", Role::SubMaster) => "submáster",
        ("es", Role::SiteAdmin) => "administrador del sitio",
        ("ja", Role::Master) => "マスター",
        ("ja", Role::SubMaster) => "サブマスター",
        ("ja", Role::SiteAdmin) => "サイト管理者",
        // In French, too.
        (_, Role::Master) => "master",
        (_, Role::SubMaster) => "sub-master",
        (_, Role::SiteAdmin) => "site admin",
    }
}

/// The subject and the text of an invitation.
fn invitation(language: &Language, who: &str, role: Role, until: &str) -> (&'static str, String) {
    let role = role_name(language, role);
    match language.as_str() {
        "ko" => (
            "초대",
            format!(
                "{who}: 이 사이트의 관리 역할({role})에 초대되었습니다. {until}까지 이 주소로 로그인하여 수락하거나 거절해 주세요. 답하지 않으면 아무것도 바뀌지 않습니다."
            ),
        ),
        "de" => (
            "Einladung",
            format!(
                "{who}: Sie sind eingeladen, diesen Standort mitzuverwalten (Rolle: {role}). Melden Sie sich bis {until} mit dieser Adresse an, um anzunehmen oder abzulehnen. Ohne Antwort ändert sich nichts."
            ),
        ),
        "fr" => (
            "Invitation",
            format!(
                "{who} : vous êtes invité à administrer ce site (rôle : {role}). Connectez-vous avec cette adresse avant le {until} pour accepter ou refuser. Sans réponse, rien ne change."
            ),
        ),
        "es" => (
            "Invitación",
            format!(
                "{who}: se le invita a administrar este sitio (función: {role}). Inicie sesión con esta dirección antes del {until} para aceptar o rechazar. Sin respuesta, nada cambia."
            ),
        ),
        "ja" => (
            "招待",
            format!(
                "{who}:このサイトの管理({role})に招待されました。{until} までにこのアドレスでサインインし、承諾または辞退してください。お返事がなければ何も変わりません。"
            ),
        ),
        _ => (
            "Invitation",
            format!(
                "{who}: you are invited to administer this site (role: {role}). Sign in with this address by {until} to accept or decline. Without an answer nothing changes."
            ),
        ),
    }
}

/// The subject and the text of a warning.
fn warning(
    language: &Language,
    who: &str,
    on: Date,
    missing: u64,
    days: u8,
) -> (&'static str, String) {
    match language.as_str() {
        "ko" => (
            "크레딧 부족 예고",
            format!(
                "{who}: {on}에 크레딧 {missing}개가 부족하여 사이트가 중지됩니다. 그 전에 충전해 주세요. ({days}일 전 알림)"
            ),
        ),
        "de" => (
            "Guthaben wird knapp",
            format!(
                "{who}: Am {on} reicht das Guthaben nicht (fehlende Credits: {missing}), und der Standort wird angehalten. Bitte laden Sie vorher auf. (Tage vorher: {days})"
            ),
        ),
        "fr" => (
            "Crédits bientôt insuffisants",
            format!(
                "{who} : le {on}, le solde ne suffira pas (crédits manquants : {missing}) et le site sera suspendu. Veuillez recharger avant. (jours avant : {days})"
            ),
        ),
        "es" => (
            "Créditos pronto insuficientes",
            format!(
                "{who}: el {on} el saldo no alcanzará (créditos que faltan: {missing}) y el sitio se suspenderá. Recargue antes. (días antes: {days})"
            ),
        ),
        "ja" => (
            "クレジット不足の予告",
            format!(
                "{who}:{on} にクレジットが {missing} 不足し、サイトは停止されます。それまでにチャージしてください。({days} 日前のお知らせ)"
            ),
        ),
        _ => (
            "Credits will fall short",
            format!(
                "{who}: on {on} the balance will not do (credits missing: {missing}), and the site will be halted. Please recharge before that. ({days}-day warning)"
            ),
        ),
    }
}

/// The subject and the text of a halt.
fn halt(
    language: &Language,
    who: &str,
    due_on: Date,
    devices: u32,
    missing: u64,
) -> (&'static str, String) {
    match language.as_str() {
        "ko" => (
            "사이트 중지",
            format!(
                "{who}: {due_on}에 크레딧 {devices}개가 필요했으나 {missing}개가 부족하여 사이트가 중지되었습니다. 충전하면 다시 작동합니다."
            ),
        ),
        "de" => (
            "Standort angehalten",
            format!(
                "{who}: Am {due_on} reichte das Guthaben nicht (fällig: {devices}, davon fehlten: {missing}). Der Standort ist angehalten, bis er aufgeladen wird."
            ),
        ),
        "fr" => (
            "Site suspendu",
            format!(
                "{who} : le {due_on}, le solde n'a pas suffi (crédits dus : {devices}, manquants : {missing}). Le site est suspendu jusqu'à sa recharge."
            ),
        ),
        "es" => (
            "Sitio suspendido",
            format!(
                "{who}: el {due_on} el saldo no alcanzó (créditos debidos: {devices}, faltaban: {missing}). El sitio queda suspendido hasta que se recargue."
            ),
        ),
        "ja" => (
            "サイト停止",
            format!(
                "{who}:{due_on} にクレジット {devices} が必要でしたが {missing} 不足していたため、サイトは停止されました。チャージすると再開します。"
            ),
        ),
        _ => (
            "Site halted",
            format!(
                "{who}: on {due_on} the balance did not do (credits due: {devices}, missing: {missing}). The site is halted until it is recharged."
            ),
        ),
    }
}

/// The subject and the text of a resume.
fn resume(language: &Language, who: &str, resumed_on: Date) -> (&'static str, String) {
    match language.as_str() {
        "ko" => (
            "사이트 재개",
            format!("{who}: {resumed_on}부터 사이트가 다시 작동합니다."),
        ),
        "de" => (
            "Standort läuft wieder",
            format!("{who}: Der Standort läuft seit {resumed_on} wieder."),
        ),
        "fr" => (
            "Site rétabli",
            format!("{who} : le site fonctionne de nouveau depuis le {resumed_on}."),
        ),
        "es" => (
            "Sitio reanudado",
            format!("{who}: el sitio funciona de nuevo desde el {resumed_on}."),
        ),
        "ja" => (
            "サイト再開",
            format!("{who}:{resumed_on} にサイトが再開されました。"),
        ),
        _ => (
            "Site resumed",
            format!("{who}: the site runs again since {resumed_on}."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::values::email::Email;
    use crate::domain::values::ids::{PersonId, SiteId};
    use crate::domain::values::parts::{Encoding, measure};

    #[test]
    fn an_invitation_says_in_every_language_which_site_which_role_and_until_when() {
        for language in LANGUAGES.into_iter().chain(["it"]) {
            for role in [Role::Master, Role::SubMaster, Role::SiteAdmin] {
                let sent = SentInvitation {
                    site_id: SiteId::parse("GYM7QP2MR").unwrap(),
                    site_name: SiteName::parse("Harbour Gym").unwrap(),
                    language: Language::parse(language).unwrap(),
                    email: Email::parse("lee@example.com").unwrap(),
                    person: PersonId::parse("9N5PQR8SE2K0G4MX").unwrap(),
                    role,
                    sent_at: "2026-12-09T12:00:59Z".parse().unwrap(),
                    over_at: "2026-12-16T12:00:59Z".parse().unwrap(),
                    entry: 2,
                };
                let notice = invitation_notice(&sent);
                let named = role_name(&notice.language, role);
                for part in ["Harbour Gym (GYM7QP2MR)", named, "2026-12-16 12:00 UTC"] {
                    assert!(notice.text.contains(part), "{part}: {}", notice.text);
                }
                assert_eq!(notice.id, "GYM7QP2MR-2");
                assert!(!notice.text.contains("lee@example.com"));
            }
        }
    }

    #[test]
    fn a_card_is_delivered_in_one_part_where_the_alphabet_allows_it() {
        let site = SiteName::parse("Harbour Gym").unwrap();
        let link = format!("https://cards.example.com/{}", "Z".repeat(24));
        for (language, encoding, parts) in [
            ("en", Encoding::Gsm7, 1),
            ("de", Encoding::Gsm7, 1),
            ("fr", Encoding::Gsm7, 1),
            ("it", Encoding::Gsm7, 1), // in English
            ("es", Encoding::Ucs2, 2), // á is not of GSM's alphabet
            ("ko", Encoding::Ucs2, 2),
            ("ja", Encoding::Ucs2, 2),
        ] {
            let language = Language::parse(language).unwrap();
            let text = card_message(&language, &site, &link);
            let measured = measure(&text).unwrap();
            assert_eq!(
                (measured.encoding, measured.parts),
                (encoding, parts),
                "{text}"
            );
            assert!(text.contains(&link) && text.contains("Harbour Gym"));
        }
    }
}
