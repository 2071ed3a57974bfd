# shellcheck shell=bash
# What a machine must have before anything of ours can be built or run: apt packages and Rust.
# Sourced by quickstart and test; it only defines functions.

# The oldest Rust that builds the workspace (rust-version in Cargo.toml).
readonly RUST_WANTED=1.95

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

now_ms() {
    # The decimal sign of EPOCHREALTIME follows the locale.
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# seconds MILLISECONDS prints them as 1.2.
seconds() {
    printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# install_packages PACKAGE... installs them with apt, or prints the command that would and stops.
install_packages() {
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "this machine has no apt; please install the likes of: $*"
    local update=(apt-get update) install=(apt-get install -y --no-install-recommends)
    case " $* " in
        # qemu-utils may be there in a newer (backported) version that qemu-system-x86 cannot live with.
        *" qemu-system-x86="*) install+=(--allow-downgrades) ;;
    esac
    if [ "$(id -u)" != 0 ]; then
        echo "${0##*/}: some packages are missing; please run this, and then ${0##*/} again:" >&2
        echo "    sudo ${update[*]} && sudo ${install[*]} $*" >&2
        exit 1
    fi
    echo "installing $*"
    local log
    log=$(mktemp)
    if ! "${update[@]}" >"$log" 2>&1 ||
        ! DEBIAN_FRONTEND=noninteractive "${install[@]}" "$@" >>"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install $*"
    fi
    rm -f "$log"
}

# missing COMMAND=PACKAGE... prints the packages of those commands (or absolute files) that are not there.
missing() {
    local pair what
    for pair in "$@"; do
        what=${pair%%=*}
        case $what in
            /*) [ -e "$what" ] ;;
            *) command -v "$what" >/dev/null ;;
        esac || echo "${pair#*=}"
    done
}

# Prints both QEMU packages, pinned to one version, if one of the two is missing.
missing_qemu() {
    command -v qemu-system-x86_64 >/dev/null && command -v qemu-img >/dev/null && return
    [ "$(id -u)" != 0 ] || apt-get update -qq
    local version
    version=$(apt-cache policy qemu-system-x86 | awk '$1 == "Candidate:" { print $2 }')
    echo "qemu-system-x86${version:+=$version} qemu-utils${version:+=$version}"
}

# --- Rust -----------------------------------------------------------------------------------------------------

rust_is_new_enough() {
    local version
    version=$(rustc --version 2>/dev/null | awk '{ print $2 }')
    [ -n "$version" ] && printf '%s\n' "$RUST_WANTED" "$version" | sort --version-sort --check=silent &&
        cargo --version >/dev/null 2>&1
}

# Puts a Rust that is new enough first on PATH, wherever rustup or apt has put it.
rust_on_path() {
    local path=$PATH dir
    rust_is_new_enough && return
    for dir in "$HOME/.cargo/bin" /usr/lib/rust-*/bin; do
        [ -x "$dir/cargo" ] || continue
        PATH=$dir:$path
        rust_is_new_enough && return
    done
    PATH=$path
    return 1
}

# Prints the packages of the first Rust that apt has in the wanted version, for Debian 12's security suite, then
# for later Debians, then for Ubuntu's Rusts that have the version in their names.
rust_packages() {
    local names version candidate
    for names in "rustc-web cargo-web rustfmt-web rust-web-clippy" "rustc cargo rustfmt rust-clippy"; do
        candidate=$(apt-cache policy "${names%% *}" | awk '$1 == "Candidate:" { print $2 }')
        if [ "${candidate:-(none)}" != "(none)" ] && dpkg --compare-versions "$candidate" ge "$RUST_WANTED"; then
            echo "$names"
            return
        fi
    done
    version=$(apt-cache search --names-only '^rustc-1\.[0-9]+$' | awk '{ print $1 }' | sort --version-sort | tail -n 1)
    version=${version#rustc-}
    if [ -n "$version" ] && dpkg --compare-versions "$version" ge "$RUST_WANTED"; then
        echo "rustc-$version cargo-$version rustfmt-$version rust-$version-clippy"
        return
    fi
    return 1
}

# Installs Rust unless there is one that is new enough.
ensure_rust() {
    rust_on_path && return
    local packages=
    if command -v apt-get >/dev/null; then
        [ "$(id -u)" != 0 ] || apt-get update -qq
        packages=$(rust_packages) || true
    fi
    if [ -z "$packages" ]; then
        echo "${0##*/}: Rust $RUST_WANTED or newer is needed, and apt knows of none." >&2
        [ "$(id -u)" = 0 ] || echo "    Was 'sudo apt-get update' ever run on this machine?" >&2
        die "install it by https://rustup.rs, then run this again"
    fi
    # shellcheck disable=SC2086 # a list of package names
    install_packages $packages
    hash -r
    rust_on_path || die "apt has installed $packages, and yet there is no rustc $RUST_WANTED on PATH"
}
