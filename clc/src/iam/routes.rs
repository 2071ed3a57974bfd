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
use common::euare::attachments::{
    AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, DeleteRolePermissionsBoundary,
    DeleteUserPermissionsBoundary, DetachGroupPolicy, DetachRolePolicy, DetachUserPolicy,
    ListAttachedGroupPolicies, ListAttachedRolePolicies, ListAttachedUserPolicies,
    ListEntitiesForPolicy, PutRolePermissionsBoundary, PutUserPermissionsBoundary,
};
use common::euare::authorization::GetAccountAuthorizationDetails;
use common::euare::certificates::{
    CreateSigningCertificate, DeleteSigningCertificate, ListSigningCertificates,
    UpdateSigningCertificate, UploadSigningCertificate,
};
use common::euare::groups::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, ListGroups, ListGroupsForUser,
    RemoveUserFromGroup, UpdateGroup,
};
use common::euare::inline::{
    DeleteGroupPolicy, DeleteRolePolicy, DeleteUserPolicy, GetGroupPolicy, GetRolePolicy,
    GetUserPolicy, ListGroupPolicies, ListRolePolicies, ListUserPolicies, PutGroupPolicy,
    PutRolePolicy, PutUserPolicy,
};
use common::euare::instance_profiles::{
    AddRoleToInstanceProfile, CreateInstanceProfile, DeleteInstanceProfile, GetInstanceProfile,
    ListInstanceProfileTags, ListInstanceProfiles, ListInstanceProfilesForRole,
    RemoveRoleFromInstanceProfile, TagInstanceProfile, UntagInstanceProfile,
};
use common::euare::logins::{
    ChangePassword, CreateLoginProfile, DeleteAccountPasswordPolicy, DeleteLoginProfile,
    GetAccountPasswordPolicy, GetLoginProfile, UpdateAccountPasswordPolicy, UpdateLoginProfile,
};
use common::euare::managed::{
    CreatePolicy, DeletePolicy, GetPolicy, ListPolicies, ListPolicyTags, TagPolicy, UntagPolicy,
};
use common::euare::mfa::{
    CreateVirtualMFADevice, DeactivateMFADevice, DeleteVirtualMFADevice, EnableMFADevice,
    GetMFADevice, ListMFADeviceTags, ListMFADevices, ListVirtualMFADevices, ResyncMFADevice,
    TagMFADevice, UntagMFADevice,
};
use common::euare::roles::{
    CreateRole, DeleteRole, GetRole, ListRoleTags, ListRoles, TagRole, UntagRole,
    UpdateAssumeRolePolicy, UpdateRole, UpdateRoleDescription,
};
use common::euare::simulate::{
    GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy, SimulateCustomPolicy,
    SimulatePrincipalPolicy,
};
use common::euare::users::{
    CreateUser, DeleteUser, GetUser, ListUserTags, ListUsers, TagUser, UntagUser, UpdateUser,
};
use common::euare::versions::{
    CreatePolicyVersion, DeletePolicyVersion, GetPolicyVersion, ListPolicyVersions,
    SetDefaultPolicyVersion,
};
use runtime::actor::ServiceActor;
use runtime::router::Router;

use super::Iam;

/// The table.
pub fn router(iam: &Addr<ServiceActor<Iam>>) -> Router {
    Router::new()
        .on::<AddRoleToInstanceProfile, _>(iam)
        .on::<AddUserToGroup, _>(iam)
        .on::<AttachGroupPolicy, _>(iam)
        .on::<AttachRolePolicy, _>(iam)
        .on::<AttachUserPolicy, _>(iam)
        .on::<ChangePassword, _>(iam)
        .on::<CreateAccessKey, _>(iam)
        .on::<CreateAccount, _>(iam)
        .on::<CreateAccountAlias, _>(iam)
        .on::<CreateGroup, _>(iam)
        .on::<CreateInstanceProfile, _>(iam)
        .on::<CreateLoginProfile, _>(iam)
        .on::<CreatePolicy, _>(iam)
        .on::<CreatePolicyVersion, _>(iam)
        .on::<CreateRole, _>(iam)
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
        .on::<DeleteGroupPolicy, _>(iam)
        .on::<DeleteInstanceProfile, _>(iam)
        .on::<DeleteLoginProfile, _>(iam)
        .on::<DeletePolicy, _>(iam)
        .on::<DeletePolicyVersion, _>(iam)
        .on::<DeleteRole, _>(iam)
        .on::<DeleteRolePermissionsBoundary, _>(iam)
        .on::<DeleteRolePolicy, _>(iam)
        .on::<DeleteSigningCertificate, _>(iam)
        .on::<DeleteUser, _>(iam)
        .on::<DeleteUserPermissionsBoundary, _>(iam)
        .on::<DeleteUserPolicy, _>(iam)
        .on::<DeleteVirtualMFADevice, _>(iam)
        .on::<DetachGroupPolicy, _>(iam)
        .on::<DetachRolePolicy, _>(iam)
        .on::<DetachUserPolicy, _>(iam)
        .on::<EnableMFADevice, _>(iam)
        .on::<GetAccessKeyLastUsed, _>(iam)
        .on::<GetAccount, _>(iam)
        .on::<GetAccountAuthorizationDetails, _>(iam)
        .on::<GetAccountPasswordPolicy, _>(iam)
        .on::<GetAccountPolicy, _>(iam)
        .on::<GetAccountSummary, _>(iam)
        .on::<GetContextKeysForCustomPolicy, _>(iam)
        .on::<GetContextKeysForPrincipalPolicy, _>(iam)
        .on::<GetGroup, _>(iam)
        .on::<GetGroupPolicy, _>(iam)
        .on::<GetInstanceProfile, _>(iam)
        .on::<GetLoginProfile, _>(iam)
        .on::<GetPolicy, _>(iam)
        .on::<GetPolicyVersion, _>(iam)
        .on::<GetRole, _>(iam)
        .on::<GetRolePolicy, _>(iam)
        .on::<GetUser, _>(iam)
        .on::<GetUserPolicy, _>(iam)
        .on::<ListAccessKeys, _>(iam)
        .on::<ListAccountAliases, _>(iam)
        .on::<ListAccountPolicies, _>(iam)
        .on::<ListAccounts, _>(iam)
        .on::<ListAttachedGroupPolicies, _>(iam)
        .on::<ListAttachedRolePolicies, _>(iam)
        .on::<ListAttachedUserPolicies, _>(iam)
        .on::<ListEntitiesForPolicy, _>(iam)
        .on::<ListGroupPolicies, _>(iam)
        .on::<ListGroups, _>(iam)
        .on::<ListGroupsForUser, _>(iam)
        .on::<ListInstanceProfileTags, _>(iam)
        .on::<ListInstanceProfiles, _>(iam)
        .on::<ListInstanceProfilesForRole, _>(iam)
        .on::<ListMFADevices, _>(iam)
        .on::<ListMFADeviceTags, _>(iam)
        .on::<ListVirtualMFADevices, _>(iam)
        .on::<GetMFADevice, _>(iam)
        .on::<ResyncMFADevice, _>(iam)
        .on::<TagMFADevice, _>(iam)
        .on::<UntagMFADevice, _>(iam)
        .on::<ListPolicies, _>(iam)
        .on::<ListPolicyTags, _>(iam)
        .on::<ListPolicyVersions, _>(iam)
        .on::<ListRolePolicies, _>(iam)
        .on::<ListRoleTags, _>(iam)
        .on::<ListRoles, _>(iam)
        .on::<ListSigningCertificates, _>(iam)
        .on::<ListUserPolicies, _>(iam)
        .on::<ListUserTags, _>(iam)
        .on::<ListUsers, _>(iam)
        .on::<PutAccountPolicy, _>(iam)
        .on::<PutGroupPolicy, _>(iam)
        .on::<PutRolePermissionsBoundary, _>(iam)
        .on::<PutRolePolicy, _>(iam)
        .on::<PutUserPermissionsBoundary, _>(iam)
        .on::<PutUserPolicy, _>(iam)
        .on::<RemoveRoleFromInstanceProfile, _>(iam)
        .on::<RemoveUserFromGroup, _>(iam)
        .on::<SetDefaultPolicyVersion, _>(iam)
        .on::<SimulateCustomPolicy, _>(iam)
        .on::<SimulatePrincipalPolicy, _>(iam)
        .on::<TagInstanceProfile, _>(iam)
        .on::<TagPolicy, _>(iam)
        .on::<TagRole, _>(iam)
        .on::<TagUser, _>(iam)
        .on::<UntagInstanceProfile, _>(iam)
        .on::<UntagPolicy, _>(iam)
        .on::<UntagRole, _>(iam)
        .on::<UntagUser, _>(iam)
        .on::<UpdateAccessKey, _>(iam)
        .on::<UpdateAccountPasswordPolicy, _>(iam)
        .on::<UpdateAssumeRolePolicy, _>(iam)
        .on::<UpdateGroup, _>(iam)
        .on::<UpdateLoginProfile, _>(iam)
        .on::<UpdateRole, _>(iam)
        .on::<UpdateRoleDescription, _>(iam)
        .on::<UpdateSigningCertificate, _>(iam)
        .on::<UpdateUser, _>(iam)
        .on::<UploadSigningCertificate, _>(iam)
}
