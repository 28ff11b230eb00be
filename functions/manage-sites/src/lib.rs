//! `manage-sites`: creates sites and changes them, their administrators and their devices.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use site_credits::commands::{self, CommandError, CreateSiteError, EmailNotVerified};
use site_credits::domain::values::ids::{DeviceId, SiteId};
use site_credits::http::{
    self, AdministratorBody, Answer, Arrival, DevicesBody, NewSiteBody, Problem, RoleBody,
    SettingsBody,
};
use site_credits::store::Store;

/// How many IDs are tried for a new site. Of 2^40, two in a row are taken only where randomness is broken.
const IDS_TRIED: u32 = 3;

/// The function, with what it needs.
#[derive(Debug)]
pub struct ManageSites {
    /// The table.
    pub store: Store,
}

impl ManageSites {
    /// Answers an event of the HTTP API.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> Answer {
        http::answer(event, async |arrival| match arrival.route.as_str() {
            "POST /sites" => self.create(&arrival).await,
            "GET /sites" => self.list(&arrival).await,
            "GET /sites/{site_id}" => self.show(&arrival).await,
            "PATCH /sites/{site_id}" => self.change(&arrival).await,
            "DELETE /sites/{site_id}" => self.delete(&arrival).await,
            "GET /sites/{site_id}/admins" => self.administrators(&arrival).await,
            "POST /sites/{site_id}/admins" => self.invite(&arrival).await,
            "PATCH /sites/{site_id}/admins/{email}" => self.change_role(&arrival).await,
            "DELETE /sites/{site_id}/admins/{email}" => self.remove_administrator(&arrival).await,
            "GET /sites/{site_id}/devices" => self.devices(&arrival).await,
            "POST /sites/{site_id}/devices" => self.register(&arrival).await,
            "DELETE /sites/{site_id}/devices/{device_id}" => self.remove_device(&arrival).await,
            route => Err(Problem::unknown_route(route)),
        })
        .await
    }

    async fn create(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.asker()?;
        let master = asker.email.clone().ok_or(EmailNotVerified)?;
        let body: NewSiteBody = arrival.body()?;
        let mut new = body.read(new_id()?, master, asker.now)?;
        for _ in 1..IDS_TRIED {
            match commands::create_site(&self.store, new.clone(), &asker).await {
                Err(CommandError::Refused(CreateSiteError::Exists)) => new.id = new_id()?,
                done => return Ok(http::changed_site_answer(201, &done?)),
            }
        }
        let done = commands::create_site(&self.store, new, &asker).await?;
        Ok(http::changed_site_answer(201, &done))
    }

    async fn list(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let asker = arrival.asker()?;
        let page = http::page_of(arrival, SiteId::parse)?;
        let sites = commands::list_sites(&self.store, &page, &asker).await?;
        Ok(http::sites_answer(&sites))
    }

    async fn show(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        arrival.query(&[])?;
        let site = commands::site(&self.store, &arrival.site_id()?, &arrival.asker()?).await?;
        Ok(http::site_answer(&site))
    }

    async fn change(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let settings = arrival.body::<SettingsBody>()?.read();
        let done = commands::change_settings(&self.store, &site_id, &settings, &asker).await?;
        Ok(http::changed_site_answer(200, &done))
    }

    async fn delete(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let forfeit = http::forfeit(arrival)?;
        let done = commands::delete_site(&self.store, &site_id, forfeit, &asker).await?;
        Ok(http::changed_site_answer(200, &done))
    }

    async fn administrators(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        arrival.query(&[])?;
        let site = commands::site(&self.store, &arrival.site_id()?, &arrival.asker()?).await?;
        Ok(http::administrators_answer(&site))
    }

    async fn invite(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let AdministratorBody { email, role } = arrival.body()?;
        let done = commands::invite(&self.store, &site_id, &email, role, &asker).await?;
        Ok(http::administrator_answer(201, &done))
    }

    async fn change_role(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let RoleBody { role } = arrival.body()?;
        let email = http::email_of_path(arrival)?;
        let done = commands::change_role(&self.store, &site_id, &email, role, &asker).await?;
        Ok(http::administrator_answer(200, &done))
    }

    async fn remove_administrator(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let email = http::email_of_path(arrival)?;
        let done = commands::remove_administrator(&self.store, &site_id, &email, &asker).await?;
        Ok(http::administrator_answer(200, &done))
    }

    async fn devices(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let page = http::page_of(arrival, DeviceId::parse)?;
        let devices = commands::list_devices(&self.store, &site_id, &page, &asker).await?;
        Ok(http::devices_answer(&devices))
    }

    async fn register(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        let wishes = arrival.body::<DevicesBody>()?.read();
        let registered = commands::register_devices(&self.store, &site_id, &wishes, &asker).await?;
        Ok(http::registered_answer(&registered))
    }

    async fn remove_device(&self, arrival: &Arrival) -> Result<Answer, Problem> {
        let (site_id, asker) = (arrival.site_id()?, arrival.asker()?);
        arrival.query(&[])?;
        let device_id = http::device_id(arrival)?;
        let done = commands::remove_device(&self.store, &site_id, &device_id, &asker).await?;
        Ok(http::removed_answer(&done))
    }
}

/// A site ID of random bits, which say nothing about how many sites there are.
fn new_id() -> Result<SiteId, Problem> {
    commands::random_site_id().map_err(Into::into)
}
