//! The table of IAM's actions. One line an action.

use actix::Addr;
use common::euare::access_keys::{
    CreateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed, ListAccessKeys, UpdateAccessKey,
};
use common::euare::accounts::{
    CreateAccount, DeleteAccount, DeleteAccountPolicy, GetAccount, GetAccountPolicy,
    ListAccountPolicies, ListAccounts, PutAccountPolicy,
};
use common::euare::aliases::{
    CreateAccountAlias, DeleteAccountAlias, GetAccountSummary, ListAccountAliases,
};
use common::euare::certificates::{
    CreateSigningCertificate, DeleteSigningCertificate, ListSigningCertificates,
    UpdateSigningCertificate, UploadSigningCertificate,
};
use common::euare::groups::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, ListGroups, ListGroupsForUser,
    RemoveUserFromGroup, UpdateGroup,
};
use common::euare::logins::{
    ChangePassword, CreateLoginProfile, DeleteAccountPasswordPolicy, DeleteLoginProfile,
    GetAccountPasswordPolicy, GetLoginProfile, UpdateAccountPasswordPolicy, UpdateLoginProfile,
};
use common::euare::mfa::{
    CreateVirtualMFADevice, DeactivateMFADevice, DeleteVirtualMFADevice, EnableMFADevice,
    ListMFADevices,
};
use common::euare::users::{
    CreateUser, DeleteUser, GetUser, ListUserTags, ListUsers, TagUser, UntagUser, UpdateUser,
};
use runtime::actor::ServiceActor;
use runtime::router::Router;

use super::Iam;

/// The table.
pub fn router(iam: &Addr<ServiceActor<Iam>>) -> Router {
    Router::new()
        .on::<AddUserToGroup, _>(iam)
        .on::<ChangePassword, _>(iam)
        .on::<CreateAccessKey, _>(iam)
        .on::<CreateAccount, _>(iam)
        .on::<CreateAccountAlias, _>(iam)
        .on::<CreateGroup, _>(iam)
        .on::<CreateLoginProfile, _>(iam)
        .on::<CreateSigningCertificate, _>(iam)
        .on::<CreateUser, _>(iam)
        .on::<CreateVirtualMFADevice, _>(iam)
        .on::<DeactivateMFADevice, _>(iam)
        .on::<DeleteAccessKey, _>(iam)
        .on::<DeleteAccount, _>(iam)
        .on::<DeleteAccountAlias, _>(iam)
        .on::<DeleteAccountPasswordPolicy, _>(iam)
        .on::<DeleteAccountPolicy, _>(iam)
        .on::<DeleteGroup, _>(iam)
        .on::<DeleteLoginProfile, _>(iam)
        .on::<DeleteSigningCertificate, _>(iam)
        .on::<DeleteUser, _>(iam)
        .on::<DeleteVirtualMFADevice, _>(iam)
        .on::<EnableMFADevice, _>(iam)
        .on::<GetAccessKeyLastUsed, _>(iam)
        .on::<GetAccount, _>(iam)
        .on::<GetAccountPasswordPolicy, _>(iam)
        .on::<GetAccountPolicy, _>(iam)
        .on::<GetAccountSummary, _>(iam)
        .on::<GetGroup, _>(iam)
        .on::<GetLoginProfile, _>(iam)
        .on::<GetUser, _>(iam)
        .on::<ListAccessKeys, _>(iam)
        .on::<ListAccountAliases, _>(iam)
        .on::<ListAccountPolicies, _>(iam)
        .on::<ListAccounts, _>(iam)
        .on::<ListGroups, _>(iam)
        .on::<ListGroupsForUser, _>(iam)
        .on::<ListMFADevices, _>(iam)
        .on::<ListSigningCertificates, _>(iam)
        .on::<ListUserTags, _>(iam)
        .on::<ListUsers, _>(iam)
        .on::<PutAccountPolicy, _>(iam)
        .on::<RemoveUserFromGroup, _>(iam)
        .on::<TagUser, _>(iam)
        .on::<UntagUser, _>(iam)
        .on::<UpdateAccessKey, _>(iam)
        .on::<UpdateAccountPasswordPolicy, _>(iam)
        .on::<UpdateGroup, _>(iam)
        .on::<UpdateLoginProfile, _>(iam)
        .on::<UpdateSigningCertificate, _>(iam)
        .on::<UpdateUser, _>(iam)
        .on::<UploadSigningCertificate, _>(iam)
}
