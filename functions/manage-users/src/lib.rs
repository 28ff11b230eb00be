//! `manage-users`: the users of a site, and their cards.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands;
use site_credits::domain::values::card_link::CardToken;
use site_credits::domain::values::pseudonym::Pseudonyms;
use site_credits::http::{
    self, Answer, Arrival, CardBody, CardPages, CardStatusBody, PausedOrActive, Problem, UserBody,
    UserChangeBody,
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

impl ManageUsers {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "GET /sites/{site_id}/users" => self.list(&arrival).await,
            "POST /sites/{site_id}/users" => self.add(&arrival).await,
            "POST /sites/{site_id}/users/import" => self.import(&arrival).await,
            "GET /sites/{site_id}/users/{user_id}" => self.show(&arrival).await,
            "PATCH /sites/{site_id}/users/{user_id}" => self.change(&arrival).await,
            "DELETE /sites/{site_id}/users/{user_id}" => self.remove(&arrival).await,
            "GET /sites/{site_id}/users/{user_id}/card" => self.show_card(&arrival).await,
            "POST /sites/{site_id}/users/{user_id}/card" => self.issue_card(&arrival).await,
            "PATCH /sites/{site_id}/users/{user_id}/card" => self.change_card(&arrival).await,
            "DELETE /sites/{site_id}/users/{user_id}/card" => self.revoke_card(&arrival).await,
            "POST /sites/{site_id}/users/{user_id}/card/reissues" => {
                self.reissue_card(&arrival).await
            }
            "GET /cards/{token}" => self.open_card(&arrival).await,
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn list(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let which = http::users_of(arrival)?;
        let users = commands::list_users(&self.store, &site_id, &which, &asker).await?;
        self.cards.users_answer(&users, arrival)
    }

    async fn add(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let new = arrival.body::<UserBody>()?.read();
        let done =
            commands::add_user(&self.store, &self.pseudonyms, &site_id, &new, &asker).await?;
        Ok(self.cards.changed_user_answer(201, &done, arrival))
    }

    async fn import(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let lines = http::lines_to_import(arrival)?;
        let imported =
            commands::import_users(&self.store, &self.pseudonyms, &site_id, &lines, &asker).await?;
        Ok(http::imported_answer(&imported))
    }

    async fn show(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let user_id = http::user_id(arrival)?;
        let user = commands::user(&self.store, &site_id, &user_id, &asker).await?;
        Ok(self.cards.user_answer(&user, arrival))
    }

    async fn change(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let new = arrival.body::<UserChangeBody>()?.read();
        let user_id = http::user_id(arrival)?;
        let done = commands::change_user(
            &self.store,
            &self.pseudonyms,
            &site_id,
            &user_id,
            &new,
            &asker,
        )
        .await?;
        Ok(self.cards.changed_user_answer(200, &done, arrival))
    }

    async fn remove(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let user_id = http::user_id(arrival)?;
        let done = commands::remove_user(&self.store, &self.pseudonyms, &site_id, &user_id, &asker)
            .await?;
        Ok(http::removed_user_answer(&done))
    }

    async fn show_card(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let user_id = http::user_id(arrival)?;
        let user = commands::user(&self.store, &site_id, &user_id, &asker).await?;
        self.cards.card_answer(&user, arrival)
    }

    async fn issue_card(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let wish = arrival.body::<CardBody>()?.read();
        let user_id = http::user_id(arrival)?;
        let links = &self.cards.links;
        let done =
            commands::issue_card(&self.store, links, &site_id, &user_id, wish, &asker).await?;
        Ok(self.cards.issued_card_answer(&done, arrival))
    }

    async fn reissue_card(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let wish = arrival.body::<CardBody>()?.read();
        let user_id = http::user_id(arrival)?;
        let links = &self.cards.links;
        let done =
            commands::reissue_card(&self.store, links, &site_id, &user_id, wish, &asker).await?;
        Ok(self.cards.issued_card_answer(&done, arrival))
    }

    async fn change_card(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let CardStatusBody { status } = arrival.body()?;
        let user_id = http::user_id(arrival)?;
        let paused = status == PausedOrActive::Paused;
        let done = commands::pause_or_resume_card(
            &self.store,
            &self.pseudonyms,
            &site_id,
            &user_id,
            paused,
            &asker,
        )
        .await?;
        Ok(self.cards.changed_card_answer(&done, arrival))
    }

    async fn revoke_card(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let user_id = http::user_id(arrival)?;
        let done = commands::revoke_card(&self.store, &self.pseudonyms, &site_id, &user_id, &asker)
            .await?;
        Ok(self.cards.changed_card_answer(&done, arrival))
    }

    /// The one route of this function that is for anyone: whoever has the link.
    async fn open_card(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        arrival.query(&[])?;
        let token = arrival.parameter("token").and_then(CardToken::parse);
        let found = match token {
            Some(token) => commands::card_by_link(&self.store, &self.cards.links, token).await?,
            None => None,
        };
        Ok(http::opened_card_answer(found))
    }
}
