//! The steps of a history, and how likely each is.

use super::world::{PERSONS, ROLES, ZONES};
use proptest::prelude::*;
use run_local::faults::Fault;
use run_local::sns::Fault as Network;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Time passes, in hours.
    Wait(i64),
    /// A code is applied.
    Redeem { site: usize, code: usize, sms: bool },
    /// The request before is sent again, the same key and all.
    Repeat,
    /// A code is previewed.
    Preview { site: usize, code: usize, sms: bool },
    /// Devices are registered.
    Register { site: usize, devices: usize },
    /// A device that exists is registered again.
    RegisterAgain { site: usize, device: usize },
    /// A device is removed.
    Remove { site: usize, device: usize },
    /// A device is replaced by another.
    Replace { site: usize, device: usize },
    /// A device is renamed, or given the name that it has.
    Rename { site: usize, device: usize },
    /// The schedule fires, for now or for a number of hours ago.
    Deduct { hours_ago: i64 },
    /// A batch is issued.
    Issue { credits: u64, count: u32 },
    /// A batch is voided, or one code of it.
    Void { code: usize, whole: bool },
    /// A site moves to another time zone, or is only renamed.
    Settings { site: usize, zone: Option<usize> },
    /// A person is invited by another.
    Invite {
        site: usize,
        by: usize,
        who: usize,
        role: usize,
    },
    /// A person accepts an invitation.
    Accept { site: usize, who: usize },
    /// A person declines an invitation.
    Decline { site: usize, who: usize },
    /// A person's invitation is withdrawn by another.
    Withdraw { site: usize, by: usize, who: usize },
    /// A person's invitation is sent again by another.
    SendAgain { site: usize, by: usize, who: usize },
    /// A person's role is changed by another.
    ChangeRole {
        site: usize,
        by: usize,
        who: usize,
        role: usize,
    },
    /// A person is removed by another, or leaves.
    Dismiss { site: usize, by: usize, who: usize },
    /// A user is added, with a number of their own.
    AddUser { site: usize },
    /// A user is removed, with everything personal.
    RemoveUser { site: usize, user: usize },
    /// A card is issued to a user, or issued again.
    Card {
        site: usize,
        user: usize,
        again: bool,
    },
    /// A user is sent a message, and the network does this with it.
    Message {
        site: usize,
        user: usize,
        network: Network,
    },
    /// A site is deleted by its master; a site that is gone is followed by a new one.
    Delete { site: usize, forfeit: bool },
}

pub(super) fn steps() -> impl Strategy<Value = Vec<(Step, Vec<Fault>)>> {
    // Mostly one site, so that its history is long enough to halt it, resume it and charge it again.
    let site = prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => Just(2)];
    let code = 0_usize..24;
    let (person, role) = (0..PERSONS.len(), 0..ROLES.len());
    let people = (site.clone(), person.clone(), person, role);
    let zone = prop::option::weighted(0.8, 0..ZONES.len());
    let network = prop_oneof![
        4 => Just(Network::None),
        1 => Just(Network::Throttled),
        1 => Just(Network::InvalidNumber),
        1 => Just(Network::InternalError),
        1 => Just(Network::LostRequest),
        1 => Just(Network::LostAnswer),
    ];
    let step = prop_oneof![
        9 => prop_oneof![1_i64..30, 200_i64..800, 700_i64..800].prop_map(Step::Wait),
        12 => (site.clone(), code.clone(), prop::bool::weighted(0.2)).prop_map(|(site, code, sms)| Step::Redeem { site, code, sms }),
        3 => Just(Step::Repeat),
        2 => (site.clone(), code.clone(), any::<bool>()).prop_map(|(site, code, sms)| Step::Preview { site, code, sms }),
        9 => (site.clone(), 1_usize..4).prop_map(|(site, devices)| Step::Register { site, devices }),
        2 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::RegisterAgain { site, device }),
        3 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::Remove { site, device }),
        2 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::Replace { site, device }),
        1 => (site.clone(), 0_usize..5).prop_map(|(site, device)| Step::Rename { site, device }),
        9 => prop_oneof![3 => Just(0_i64), 1 => 1_i64..100].prop_map(|hours_ago| Step::Deduct { hours_ago }),
        1 => (1_u64..9, 1_u32..4).prop_map(|(credits, count)| Step::Issue { credits, count }),
        2 => (code, any::<bool>()).prop_map(|(code, whole)| Step::Void { code, whole }),
        3 => (site.clone(), zone).prop_map(|(site, zone)| Step::Settings { site, zone }),
        4 => people.clone().prop_map(|(site, by, who, role)| Step::Invite { site, by, who, role }),
        4 => people.clone().prop_map(|(site, _, who, _)| Step::Accept { site, who }),
        1 => people.clone().prop_map(|(site, _, who, _)| Step::Decline { site, who }),
        1 => people.clone().prop_map(|(site, by, who, _)| Step::Withdraw { site, by, who }),
        1 => people.clone().prop_map(|(site, by, who, _)| Step::SendAgain { site, by, who }),
        2 => people.clone().prop_map(|(site, by, who, role)| Step::ChangeRole { site, by, who, role }),
        1 => people.prop_map(|(site, by, who, _)| Step::Dismiss { site, by, who }),
        2 => site.clone().prop_map(|site| Step::AddUser { site }),
        1 => (site.clone(), 0_usize..3).prop_map(|(site, user)| Step::RemoveUser { site, user }),
        2 => (site.clone(), 0_usize..3, prop::bool::weighted(0.3)).prop_map(|(site, user, again)| Step::Card { site, user, again }),
        4 => (site.clone(), 0_usize..3, network).prop_map(|(site, user, network)| Step::Message { site, user, network }),
        1 => (site, any::<bool>()).prop_map(|(site, forfeit)| Step::Delete { site, forfeit }),
    ];
    let fault = prop_oneof![
        12 => Just(Fault::None),
        1 => Just(Fault::LostRequest),
        2 => Just(Fault::LostAnswer),
        1 => Just(Fault::Conflict),
        1 => Just(Fault::Throttled),
        1 => Just(Fault::Partial),
    ];
    prop::collection::vec((step, prop::collection::vec(fault, 0..6)), 1..60)
}
