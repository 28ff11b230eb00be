//! The bodies of requests and answers about users and their cards.

use super::answer::Answer;
use super::arrival::Arrival;
use super::pages::{date_or_none, limit, no_formula};
use super::problem::{Problem, ProblemCode};
use crate::commands::{
    CardIssued, Done, Imported, LineRefused, LineToImport, MAX_IMPORTED, NewCardDates, NewUser,
    Page, UserRefused, UsersOf,
};
use crate::domain::model::card::{Card, CardStatus};
use crate::domain::model::site::Site;
use crate::domain::model::user::{MAX_USERS, NewProfile, ProfileChange, User, UserKind};
use crate::domain::values::card_link::CardLinks;
use crate::domain::values::email::Email;
use crate::domain::values::ids::UserId;
use crate::domain::values::names::PersonName;
use crate::domain::values::phone::SpelledNumber;
use crate::domain::values::secret::SecretMissing;
use crate::store::StoreError;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The longest file that is imported, in bytes.
const MAX_IMPORT_BYTES: usize = 512 * 1024;
/// The longest text that users are searched by, in characters.
const MAX_SEARCH: usize = 100;
/// The columns of a file, in the order in which one is exported. The last four are ignored when one is imported.
const COLUMNS: [&str; 9] = [
    "user_id",
    "name",
    "kind",
    "email",
    "mobile",
    "card_id",
    "card_status",
    "valid_from",
    "valid_until",
];

/// The body of `POST …/users`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    /// The ID; the next number where it is left out.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The name.
    #[serde(default)]
    pub name: Option<PersonName>,
    /// What they are to the site.
    #[serde(default)]
    pub kind: Option<UserKind>,
    /// Where they are written to.
    #[serde(default)]
    pub email: Option<Email>,
    /// Where their card is sent, in any usual spelling.
    #[serde(default)]
    pub mobile: Option<SpelledNumber>,
}

impl UserBody {
    /// The user that is asked for.
    #[must_use]
    pub fn read(self) -> NewUser {
        NewUser {
            id: self.user_id,
            profile: NewProfile {
                name: self.name,
                kind: self.kind,
                email: self.email,
                mobile: self.mobile,
            },
        }
    }
}

/// The body of `PATCH …/users/{user_id}`: what is left out stays as it is, and null clears.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChangeBody {
    /// Another name.
    #[serde(default, deserialize_with = "named")]
    pub name: Option<Option<PersonName>>,
    /// Another kind.
    #[serde(default, deserialize_with = "named")]
    pub kind: Option<Option<UserKind>>,
    /// Another address.
    #[serde(default, deserialize_with = "named")]
    pub email: Option<Option<Email>>,
    /// Another number.
    #[serde(default, deserialize_with = "named")]
    pub mobile: Option<Option<SpelledNumber>>,
}

/// A member that is there, be it null.
#[expect(
    clippy::option_option,
    reason = "what is left out, what is cleared and what is set are three things"
)]
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl UserChangeBody {
    /// What is to be changed.
    #[must_use]
    pub fn read(self) -> ProfileChange {
        ProfileChange {
            name: self.name,
            kind: self.kind,
            email: self.email,
            mobile: self.mobile,
        }
    }
}

/// The body of `POST …/card` and `POST …/card/reissues`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardBody {
    /// The first day on which it is good; today where it is left out.
    #[serde(default, deserialize_with = "date_or_none")]
    pub valid_from: Option<Date>,
    /// The last day on which it is good; until it is revoked where it is left out.
    #[serde(default, deserialize_with = "date_or_none")]
    pub valid_until: Option<Date>,
}

impl CardBody {
    /// When the card is to be good.
    #[must_use]
    pub fn read(self) -> NewCardDates {
        NewCardDates {
            valid_from: self.valid_from,
            valid_until: self.valid_until,
        }
    }
}

/// The body of `PATCH …/card`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardStatusBody {
    /// What it is to be.
    pub status: PausedOrActive,
}

/// What a card can be made, and made again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum PausedOrActive {
    /// It opens doors.
    Active,
    /// It does not for now.
    Paused,
}

/// The user of the path.
///
/// # Errors
/// A text that is no user ID names no user.
pub fn user_id(arrival: &Arrival) -> Result<UserId, Problem> {
    let id = arrival.parameter("user_id");
    id.and_then(|id| UserId::parse(id).ok())
        .ok_or_else(|| UserRefused::NotFound.into())
}

/// Reads `search`, `limit` and `cursor`. An export has them all.
///
/// # Errors
/// One of them cannot be read; the problem says which.
pub fn users_of(arrival: &Arrival) -> Result<UsersOf, Problem> {
    if arrival.prefers_csv() {
        arrival.query(&[])?;
        return Ok(UsersOf {
            search: None,
            after: None,
            limit: u16::try_from(MAX_USERS).unwrap_or(u16::MAX),
        });
    }
    let query = arrival.query(&["search", "limit", "cursor"])?;
    let search = query.get("search").map(|text| text.trim().to_owned());
    let right = |text: &String| (1..=MAX_SEARCH).contains(&text.chars().count());
    if search.as_ref().is_some_and(|text| !right(text)) {
        return Err(Problem::malformed(format!(
            "the parameter search must be 1 to {MAX_SEARCH} characters"
        )));
    }
    let after = query.get("cursor").map(|text| UserId::parse(text));
    Ok(UsersOf {
        search,
        after: after
            .transpose()
            .map_err(|_| super::pages::wrong_cursor())?,
        limit: limit(&query)?,
    })
}

/// Where cards are downloaded: what a link is made of.
#[derive(Debug)]
pub struct CardPages {
    /// What makes a card's token, and knows it again.
    pub links: CardLinks,
    /// What links begin with, `https://cards.example.com/`; where there is none, the API's own address.
    pub base: Option<String>,
}

impl CardPages {
    /// The link of a card, for whoever asks through the API.
    ///
    /// # Errors
    /// The secret of the card is not at hand.
    pub fn link(&self, card: &Card, arrival: &Arrival) -> Result<String, SecretMissing> {
        let (token, _) = self.links.token(&card.id, &card.secret_id)?;
        Ok(match &self.base {
            Some(base) => format!("{base}{token}"),
            None => format!("https://{}/cards/{token}", arrival.domain()),
        })
    }

    fn card(&self, card: &Card, arrival: &Arrival) -> Value {
        let link = match card.status {
            CardStatus::Active | CardStatus::Paused => match self.link(card, arrival) {
                Ok(link) => Some(link),
                // A card whose secret was taken away has no link any more, and is no reason not to show the others.
                Err(missing) => {
                    tracing::error!(%missing, "the link of a card cannot be made");
                    None
                }
            },
            CardStatus::Revoked => None,
        };
        let mut shown = without_link(card);
        shown["link"] = json!(link);
        shown
    }

    fn user(&self, user: &User, arrival: &Arrival) -> Value {
        let card = user.card.as_ref().map(|card| self.card(card, arrival));
        json!({
            "user_id": user.id,
            "name": user.profile.name,
            "kind": user.profile.kind,
            "email": user.profile.email,
            "mobile": user.profile.mobile,
            "added_at": user.added_at,
            "card": card,
        })
    }

    /// The answer to a request for a user.
    #[must_use]
    pub fn user_answer(&self, user: &User, arrival: &Arrival) -> Answer {
        Answer::json(200, &json!({ "user": self.user(user, arrival) }))
    }

    /// The answer to an addition (201) and to a change: the user as they are now.
    #[must_use]
    pub fn changed_user_answer(
        &self,
        status_code: u16,
        done: &Done<User>,
        arrival: &Arrival,
    ) -> Answer {
        let body = json!({ "user": self.user(&done.answer, arrival) });
        Answer::json(status_code, &body).replayed(done.replayed)
    }

    /// The answer to a request for a site's users, as JSON or as CSV.
    ///
    /// # Errors
    /// The file cannot be made, which is a defect.
    pub fn users_answer(&self, page: &Page<User>, arrival: &Arrival) -> Result<Answer, Problem> {
        if arrival.prefers_csv() {
            let table = csv_of(&page.items).map_err(StoreError::defect)?;
            return Ok(Answer::text(200, "text/csv; charset=utf-8", table)
                .with_header("content-disposition", "attachment; filename=\"users.csv\""));
        }
        let users = page.items.iter().map(|user| self.user(user, arrival));
        let users: Vec<Value> = users.collect();
        Ok(Answer::json(
            200,
            &json!({ "users": users, "next_cursor": page.next }),
        ))
    }

    /// The answer to a request for a user's card.
    ///
    /// # Errors
    /// The user has none.
    pub fn card_answer(&self, user: &User, arrival: &Arrival) -> Result<Answer, Problem> {
        let none = || UserRefused::Card(crate::domain::rules::cards::CardRefused::NotFound);
        let card = user.card.as_ref().ok_or_else(none)?;
        Ok(Answer::json(
            200,
            &json!({ "card": self.card(card, arrival) }),
        ))
    }

    /// The answer to pausing, resuming and revoking a card.
    #[must_use]
    pub fn changed_card_answer(&self, done: &Done<Card>, arrival: &Arrival) -> Answer {
        let body = json!({ "card": self.card(&done.answer, arrival) });
        Answer::json(200, &body).replayed(done.replayed)
    }

    /// The answer to issuing a card: 201 with the card, the entry and the license.
    #[must_use]
    pub fn issued_card_answer(&self, done: &Done<CardIssued>, arrival: &Arrival) -> Answer {
        let CardIssued { card, license } = &done.answer;
        let card = self.card(card, arrival);
        let body = json!({ "card": card, "entry": done.entry, "license": license });
        Answer::json(201, &body).replayed(done.replayed)
    }
}

fn without_link(card: &Card) -> Value {
    json!({
        "card_id": card.id,
        "status": card.status,
        "valid_from": card.validity.valid_from,
        "valid_until": card.validity.valid_until,
        "issued_at": card.issued_at,
    })
}

/// The answer to whoever opens a card's link. It has what a phone shows, and nothing else of the user.
#[must_use]
pub fn opened_card_answer(found: Option<(Site, User, Card)>) -> Answer {
    let Some((site, user, card)) = found else {
        return Problem::new(ProblemCode::CardNotFound, "this link leads to no card").into_answer();
    };
    let mut shown = without_link(&card);
    shown["site_id"] = json!(site.id);
    shown["site_name"] = json!(site.name);
    shown["name"] = json!(user.profile.name);
    Answer::json(200, &json!({ "card": shown }))
}

/// The answer to the removal of a user.
#[must_use]
pub fn removed_user_answer(done: &Done<UserId>) -> Answer {
    Answer::json(200, &json!({ "user_id": done.answer })).replayed(done.replayed)
}

/// Users as a file. A formula would be carried out by whoever opens it in a spreadsheet.
fn csv_of(users: &[User]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for user in users {
        let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let card = user.card.as_ref();
        let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let email = user.profile.email.as_ref();
        writer.write_record([
            user.id.to_string(),
            word(json!(user.profile.name)),
            word(json!(user.profile.kind)),
            email
                .map(|email| no_formula(email.to_string()))
                .unwrap_or_default(),
            // A spreadsheet would take it for a sum, and lose the plus.
            no_formula(word(json!(user.profile.mobile))),
            card.map(|card| card.id.to_string()).unwrap_or_default(),
            word(json!(card.map(|card| card.status))),
            date(card.map(|card| card.validity.valid_from)),
            date(card.and_then(|card| card.validity.valid_until)),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes)?)
}

/// Reads the file of `POST …/users/import`: a line of column names, then a user a line. What is wrong with one line is
/// said of that line.
///
/// # Errors
/// It is no such file at all.
pub fn lines_to_import(arrival: &Arrival) -> Result<Vec<LineToImport>, Problem> {
    let bytes = arrival.bytes(MAX_IMPORT_BYTES)?;
    // A spreadsheet marks UTF-8 by a byte order mark, and separates by semicolons where commas stand in numbers.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    // Otherwise a quote that somebody forgot to close would swallow every line after it, and nobody be told.
    if bytes.split(|&byte| byte == b'"').count() % 2 == 0 {
        return Err(Problem::malformed(
            "the file has a quote that is not closed",
        ));
    }
    let first = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let delimiter = if first.contains(&b';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let columns = columns(&mut reader)?;
    let mut lines = Vec::new();
    let mut lines_before = LineNumbers {
        bytes,
        counted: 0,
        line: 1,
    };
    for record in reader.byte_records() {
        let record = record.map_err(|_| Problem::malformed("the file is no CSV"))?;
        let line = lines_before.line_of(&record);
        if lines.len() == MAX_IMPORTED {
            let rule = format!("one import has at most {MAX_IMPORTED} users");
            return Err(Problem::malformed(rule));
        }
        lines.push(LineToImport {
            line,
            user: user_of_line(&columns, &record),
        });
    }
    if lines.is_empty() {
        return Err(Problem::malformed("the file has no users"));
    }
    Ok(lines)
}

/// Counts the lines of a file. The reader's own count is one short where lines end in CRLF.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl LineNumbers<'_> {
    /// The number of the line on which a record begins; records are asked for in their order.
    fn line_of(&mut self, record: &csv::ByteRecord) -> u64 {
        let at = record.position().map_or(0, csv::Position::byte);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = self.bytes.get(at..).unwrap_or_default();
        let ends = rest
            .iter()
            .take_while(|&&byte| byte == b'\r' || byte == b'\n');
        let begins = at + ends.count();
        let passed = self.bytes.get(self.counted..begins).unwrap_or_default();
        let newlines = passed.split(|&byte| byte == b'\n').count().max(1) - 1;
        self.counted = begins;
        self.line += u64::try_from(newlines).unwrap_or_default();
        self.line
    }
}

/// The columns of a file, each by its place among those that are known.
fn columns(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<&'static str>, Problem> {
    let rule = || {
        let names = COLUMNS.join(", ");
        Problem::malformed(format!(
            "the file must be CSV in UTF-8, and its first line names columns, each once, of these: {names}"
        ))
    };
    let names = reader.headers().map_err(|_| rule())?;
    let mut columns = Vec::new();
    for name in names {
        let name = name.to_ascii_lowercase();
        let known = COLUMNS.into_iter().find(|known| *known == name);
        let known = known
            .filter(|known| !columns.contains(known))
            .ok_or_else(rule)?;
        columns.push(known);
    }
    if columns.is_empty() {
        return Err(rule());
    }
    Ok(columns)
}

/// The user of one line, or what is wrong with it; the text never repeats what the line says.
fn user_of_line(columns: &[&'static str], record: &csv::ByteRecord) -> Result<NewUser, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "the line has {} fields, and there are {} columns",
            record.len(),
            columns.len()
        ));
    }
    let mut user = NewUser::default();
    let said = |error: crate::domain::values::text::InvalidName| error.to_string();
    for (column, field) in columns.iter().zip(record) {
        let text = std::str::from_utf8(field).map_err(|_| "the line is not UTF-8 text")?;
        if text.is_empty() {
            continue;
        }
        // What an export protects from a spreadsheet.
        let text = match text.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
            _ => text,
        };
        let profile = &mut user.profile;
        match *column {
            "user_id" => user.id = Some(UserId::parse(text).map_err(said)?),
            "name" => profile.name = Some(PersonName::parse(text).map_err(said)?),
            "email" => profile.email = Some(Email::parse(text).map_err(said)?),
            "mobile" => profile.mobile = Some(SpelledNumber::new(text)),
            "kind" => {
                let kind = UserKind::deserialize(json!(text.to_ascii_lowercase()));
                let rule = "kind must be employee, visitor or member";
                profile.kind = Some(kind.map_err(|_| rule)?);
            }
            // What is known of a card is exported and not imported.
            _ => {}
        }
    }
    Ok(user)
}

/// The answer to an import, line by line.
#[must_use]
pub fn imported_answer(imported: &Imported) -> Answer {
    let added = imported.lines.iter().filter(|(_, outcome)| outcome.is_ok());
    let added = added.count();
    let lines = imported.lines.iter().map(|(line, outcome)| match outcome {
        Ok(user_id) => json!({ "line": line, "user_id": user_id, "code": null, "detail": null }),
        Err(refused) => {
            let code = match refused {
                LineRefused::Malformed(_) => ProblemCode::MalformedRequest,
                LineRefused::Exists => ProblemCode::UserExists,
                LineRefused::Full => ProblemCode::TooManyUsers,
            };
            let detail = refused.to_string();
            json!({ "line": line, "user_id": null, "code": code.as_str(), "detail": detail })
        }
    });
    let body = json!({
        "added": added,
        "refused": imported.lines.len() - added,
        "lines": lines.collect::<Vec<_>>(),
    });
    Answer::json(200, &body).replayed(imported.replayed)
}
