//! `manage-users`: the users of a site, and their cards.

use site_credits::commands::{self, Asker, Done, UserRefused, UsersOf};
use site_credits::domain::model::card::Card;
use site_credits::domain::model::user::User;
use site_credits::domain::rules::cards::CardRefused;
use site_credits::domain::values::card_link::CardToken;
use site_credits::domain::values::ids::{SiteId, UserId};
use site_credits::domain::values::pseudonym::Pseudonyms;
use site_credits::http::cards::{
    self, CardBody, CardOfLink, CardPages, CardStatusBody, IssuedCard, PausedOrActive, ReissueBody,
    ReissuedCard, ShownCard,
};
use site_credits::http::extract::{ApiHost, no_card_of_link};
use site_credits::http::users::{
    self, ImportedUsers, RemovedUser, ShownUser, UserBody, UserChangeBody, UserPage,
};
use site_credits::http::users_csv::{UsersCsv, users_file};
use site_credits::http::{
    Changed, Created, Cursors, Declare, Function, JsonObject, JsonOrCsv, Paged, PrefersCsv,
    Problem, Reply, refusals,
};
use site_credits::store::Store;

/// The function, with what it needs.
#[derive(Debug)]
pub struct ManageUsers {
    /// The table.
    pub store: Store,
    /// Where cards are downloaded.
    pub cards: CardPages,
    /// What stands for requests about users and for phone numbers.
    pub pseudonyms: Pseudonyms,
}

/// The routes.
#[must_use]
pub fn routes<R: Declare<ManageUsers>>() -> R {
    R::default()
        .add("GET /sites/{site_id}/users", list, refusals::NONE)
        .add("POST /sites/{site_id}/users", add, refusals::NEW_USER)
        .add(
            "POST /sites/{site_id}/users/import",
            import,
            refusals::IMPORT,
        )
        .add("GET /sites/{site_id}/users/{user_id}", show, refusals::NONE)
        .add(
            "PATCH /sites/{site_id}/users/{user_id}",
            change,
            refusals::USER_CHANGE,
        )
        .add(
            "DELETE /sites/{site_id}/users/{user_id}",
            remove,
            refusals::NONE,
        )
        .add(
            "GET /sites/{site_id}/users/{user_id}/card",
            show_card,
            refusals::CARD,
        )
        .add(
            "POST /sites/{site_id}/users/{user_id}/card",
            issue_card,
            refusals::CARD_ISSUE,
        )
        .add(
            "PATCH /sites/{site_id}/users/{user_id}/card",
            change_card,
            refusals::CARD,
        )
        .add(
            "DELETE /sites/{site_id}/users/{user_id}/card",
            revoke_card,
            refusals::CARD,
        )
        .add(
            "POST /sites/{site_id}/users/{user_id}/card/reissues",
            reissue_card,
            refusals::CARD_REISSUE,
        )
        .add("GET /cards/{token}", open_card, refusals::NONE)
}

async fn list(
    site_id: SiteId,
    asker: Asker,
    which: UsersOf,
    cursors: Cursors,
    Function(function): Function<ManageUsers>,
    PrefersCsv(csv): PrefersCsv,
    ApiHost(host): ApiHost,
) -> Result<JsonOrCsv<UserPage>, Problem> {
    let page = commands::list_users(&function.store, &site_id, &which, &asker).await?;
    if csv {
        return Ok(JsonOrCsv::Csv(users_file(&page.items)?));
    }
    let page = UserPage::of(page, &function.cards, &host).sealed(&cursors);
    Ok(JsonOrCsv::Json(page))
}

async fn add(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<UserBody>,
    Function(function): Function<ManageUsers>,
    ApiHost(host): ApiHost,
) -> Result<Created<ShownUser>, Problem> {
    let ManageUsers {
        store,
        cards,
        pseudonyms,
    } = &*function;
    let new = body.read();
    let Done {
        answer, replayed, ..
    } = commands::add_user(store, pseudonyms, &site_id, &new, &asker).await?;
    Ok(Created::new(
        users::User::of(answer, cards, &host),
        replayed,
    ))
}

async fn import(
    site_id: SiteId,
    asker: Asker,
    UsersCsv(lines): UsersCsv,
    Function(function): Function<ManageUsers>,
) -> Result<Changed<ImportedUsers>, Problem> {
    let ManageUsers {
        store, pseudonyms, ..
    } = &*function;
    let imported = commands::import_users(store, pseudonyms, &site_id, &lines, &asker).await?;
    Ok(imported.into())
}

async fn show(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageUsers>,
    user_id: UserId,
    ApiHost(host): ApiHost,
) -> Result<Reply<ShownUser>, Problem> {
    let user = commands::user(&function.store, &site_id, &user_id, &asker).await?;
    Ok(Reply::ok(users::User::of(user, &function.cards, &host)))
}

async fn change(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<UserChangeBody>,
    user_id: UserId,
    Function(function): Function<ManageUsers>,
    ApiHost(host): ApiHost,
) -> Result<Changed<ShownUser>, Problem> {
    let ManageUsers {
        store,
        cards,
        pseudonyms,
    } = &*function;
    let change = body.read();
    let Done {
        answer, replayed, ..
    } = commands::change_user(store, pseudonyms, &site_id, &user_id, &change, &asker).await?;
    Ok(Changed::new(
        users::User::of(answer, cards, &host),
        replayed,
    ))
}

async fn remove(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageUsers>,
    user_id: UserId,
) -> Result<Changed<RemovedUser>, Problem> {
    let ManageUsers {
        store, pseudonyms, ..
    } = &*function;
    let done = commands::remove_user(store, pseudonyms, &site_id, &user_id, &asker).await?;
    Ok(done.into())
}

async fn show_card(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageUsers>,
    user_id: UserId,
    ApiHost(host): ApiHost,
) -> Result<Reply<ShownCard>, Problem> {
    let User { card, .. } = commands::user(&function.store, &site_id, &user_id, &asker).await?;
    let card = card.ok_or(UserRefused::Card(CardRefused::NotFound))?;
    Ok(Reply::ok(cards::Card::of(card, &function.cards, &host)))
}

async fn issue_card(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<CardBody>,
    user_id: UserId,
    Function(function): Function<ManageUsers>,
    ApiHost(host): ApiHost,
) -> Result<Created<IssuedCard>, Problem> {
    let ManageUsers { store, cards, .. } = &*function;
    let (links, validity) = (&cards.links, body.read());
    let done = commands::issue_card(store, links, &site_id, &user_id, validity, &asker).await?;
    Ok(IssuedCard::answer(done, cards, &host))
}

async fn reissue_card(
    site_id: SiteId,
    asker: Asker,
    JsonObject(body): JsonObject<ReissueBody>,
    user_id: UserId,
    Function(function): Function<ManageUsers>,
    ApiHost(host): ApiHost,
) -> Result<Created<ReissuedCard>, Problem> {
    let ManageUsers {
        store,
        cards,
        pseudonyms,
    } = &*function;
    let (dates, holder) = body.read();
    let (links, of, holder) = (&cards.links, (&site_id, &user_id), holder.as_ref());
    let done = commands::reissue_card(store, links, pseudonyms, of, dates, holder, &asker).await?;
    Ok(ReissuedCard::answer(done, cards, &host))
}

async fn change_card(
    site_id: SiteId,
    asker: Asker,
    JsonObject(CardStatusBody { status }): JsonObject<CardStatusBody>,
    user_id: UserId,
    Function(function): Function<ManageUsers>,
    ApiHost(host): ApiHost,
) -> Result<Changed<ShownCard>, Problem> {
    let ManageUsers {
        store,
        cards,
        pseudonyms,
    } = &*function;
    let paused = status == PausedOrActive::Paused;
    let done =
        commands::pause_or_resume_card(store, pseudonyms, &site_id, &user_id, paused, &asker)
            .await?;
    Ok(changed_card(done, cards, &host))
}

async fn revoke_card(
    site_id: SiteId,
    asker: Asker,
    Function(function): Function<ManageUsers>,
    user_id: UserId,
    ApiHost(host): ApiHost,
) -> Result<Changed<ShownCard>, Problem> {
    let ManageUsers {
        store,
        cards,
        pseudonyms,
    } = &*function;
    let done = commands::revoke_card(store, pseudonyms, &site_id, &user_id, &asker).await?;
    Ok(changed_card(done, cards, &host))
}

fn changed_card(done: Done<Card>, pages: &CardPages, host: &str) -> Changed<ShownCard> {
    Changed::new(cards::Card::of(done.answer, pages, host), done.replayed)
}

/// The one route of this function that is for anyone: whoever has the link.
async fn open_card(
    Function(function): Function<ManageUsers>,
    token: CardToken,
) -> Result<Reply<CardOfLink>, Problem> {
    let ManageUsers { store, cards, .. } = &*function;
    let found = commands::card_by_link(store, &cards.links, token).await?;
    found.map(Reply::ok).ok_or_else(no_card_of_link)
}
