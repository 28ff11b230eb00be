//! A partner's account: its history, and the sites that applied its codes.

use super::cursors::pages;
use super::schemas::NextCursor;
use crate::commands::Page;
use crate::domain::model::account::{HistoryContent, HistoryLine};
use crate::domain::rules::license::SiteOfPartner;
use serde::Serialize;
use utoipa::ToSchema;

pages!(HistoryPage, SiteOfPartnerPage);

/// The answer to a request for a partner's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    /// The history lines.
    #[schema(max_items = 100)]
    pub history: Vec<HistoryContent>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<HistoryLine>> for HistoryPage {
    fn from(page: Page<HistoryLine>) -> Self {
        Self {
            history: page.items.into_iter().map(|line| line.content).collect(),
            next_cursor: page.next,
        }
    }
}

/// The answer to a request for the sites that applied a partner's codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteOfPartnerPage {
    /// The sites.
    #[schema(max_items = 100)]
    pub sites: Vec<SiteOfPartner>,
    /// The cursor of the next page; null after the last.
    #[schema(value_type = NextCursor)]
    pub next_cursor: Option<String>,
}

impl From<Page<SiteOfPartner>> for SiteOfPartnerPage {
    fn from(page: Page<SiteOfPartner>) -> Self {
        Self {
            sites: page.items,
            next_cursor: page.next,
        }
    }
}
