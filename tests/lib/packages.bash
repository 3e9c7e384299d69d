# For scripts that source it and have `say TEXT` and `give_up TEXT`: installs Debian packages that are
# missing, found by what they provide. PATH should have /usr/sbin.

has_command() { command -v "$1" >/dev/null; }
has_library() { pkg-config --exists "$1" 2>/dev/null; }
has_header() { echo "#include <$1>" | cc -E -x c - >/dev/null 2>&1; }

# Prints what the library, the examples and the mini cluster need to be built.
missing_build_packages() {
    has_command gcc && has_header stdio.h || echo gcc libc6-dev
    has_command cmake || echo cmake
    has_command ninja || echo ninja-build
    has_command pkg-config || echo pkg-config
    has_command ipcs || echo util-linux
    has_header ev.h || echo libev-dev
    has_library openssl || echo libssl-dev
    has_library libcares || echo libc-ares-dev
    has_library zlib || echo zlib1g-dev
    has_library cmocka || echo libcmocka-dev
}

# Prints what the tests need beside that. Never nodejs and npm: where they come from elsewhere,
# Debian's packages of them clash.
missing_test_packages() {
    has_command g++ || echo g++
    has_command strace || echo strace
    has_command openssl || echo openssl
    has_command python3 || echo python3
    has_command ps || echo procps
    has_command nginx || echo nginx
    [[ -d /usr/share/nginx/src ]] || echo nginx-dev
    has_header jansson.h || echo libjansson-dev
    [[ -f /usr/lib/nginx/modules/ngx_http_srcache_filter_module.so ]] || echo libnginx-mod-http-srcache-filter
}

# install_packages PACKAGE...: as root, or through sudo.
install_packages() {
    local as_root=()
    [[ $# -gt 0 ]] || return 0
    say "missing Debian packages: $*"
    has_command apt-get || give_up "not a Debian system; install by hand: $*"
    if [[ $(id -u) -ne 0 ]]; then
        has_command sudo || give_up "not root and no sudo; as root: apt-get install $*"
        as_root=(sudo)
        [[ -t 0 ]] || as_root=(sudo -n)
    fi
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get -q -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update || say "apt-get update failed; trying with the lists at hand"
    "${apt[@]}" install -y --no-install-recommends "$@" ||
        give_up "could not install; as root: apt-get install $*"
}
