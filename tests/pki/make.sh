#!/usr/bin/env bash
# Makes the throw-away certificates and keys that every test uses: make.sh OUTDIR
# README.md beside this script says what each file is for.
set -euo pipefail

if [ "$#" -ne 1 ]; then
    echo "usage: make.sh OUTDIR" >&2
    exit 2
fi
script_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
script=$script_dir/$(basename "${BASH_SOURCE[0]}")
mkdir -p "$1"
out=$(cd "$1" && pwd)

# Certificates live for 30 days: a set that is 20 days old is made anew long before a test can meet its end.
is_fresh() {
    [ -e "$out/.done" ] &&
        [ "$out/.done" -nt "$script" ] &&
        [ "$out/.done" -nt "$script_dir/openssl.cnf" ] &&
        [ -z "$(find "$out/.done" -mmin +28800)" ]
}

if is_fresh; then
    exit 0
fi
# Several test programs may ask for the set at the same moment: one makes it, the others wait.
exec 9>"$out/.lock"
flock 9
if is_fresh; then
    exit 0
fi

work=$out/.new
rm -rf "$work"
mkdir -p "$work"/{rsa,ecdsa,ed25519,minimal,bad,weak,crl,keys,trust,db}
cd "$work"
: >db/index.txt
export OPENSSL_CONF=$script_dir/openssl.cnf
# For openssl.cnf, in which these bytes cannot stand.
export RED_NAME=$'\e[31mred\e[0m\x9b\xff'

utc() {
    date -u -d "$1" +%Y%m%d%H%M%SZ
}
valid_from=$(utc '-1 day')
valid_until=$(utc '+30 days')

new_key() { # ALGORITHM FILE
    case $1 in
    rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2" ;;
    ecdsa) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$2" ;;
    ed25519) openssl genpkey -quiet -algorithm ED25519 -out "$2" ;;
    rsa1024) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$2" ;;
    esac
}

# ISSUER is the path of a CA without its suffix, or "self"; $digest, if it is set, is what is signed.
issue() { # ALGORITHM NAME COMMON_NAME PROFILE ISSUER [FROM UNTIL]
    local from=${6:-$valid_from} until=${7:-$valid_until} signer
    new_key "$1" "$2.key"
    openssl req -new -batch -key "$2.key" -subj "/O=libtlsbio tests/CN=$3" -out "$2.csr"
    if [ "$5" = self ]; then
        signer=(-selfsign -keyfile "$2.key")
    else
        signer=(-cert "$5.pem" -keyfile "$5.key")
    fi
    openssl ca -batch -notext -in "$2.csr" "${signer[@]}" -extensions "$4" -md "${digest:-default}" \
        -startdate "$from" -enddate "$until" -out "$2.pem" 2>db/log || {
        cat db/log >&2
        return 1
    }
    rm "$2.csr"
}

# Roots count for longer than what is below them: tests look at other days.
root_from=$(utc '-100 days')
root_until=$(utc '+130 days')
for alg in rsa ecdsa ed25519; do
    issue $alg $alg/ca "$alg root" root self "$root_from" "$root_until"
    issue $alg $alg/inter "$alg intermediate" intermediate $alg/ca
    issue $alg $alg/server "$alg server" server $alg/inter
    issue $alg $alg/client "$alg client" client $alg/inter
    cat $alg/server.pem $alg/inter.pem >$alg/server-chain.pem
    cat $alg/inter.pem $alg/server.pem >$alg/server-chain-shuffled.pem
    cat $alg/client.pem $alg/inter.pem >$alg/client-chain.pem
done
issue rsa rsa/direct "rsa direct" server rsa/ca
issue ecdsa ecdsa/direct "ecdsa direct" server ecdsa/ca
issue ecdsa ecdsa/exact "ecdsa exact" server_of_one_wild_host ecdsa/ca
issue ecdsa ecdsa/client-names "client with names" client_with_many_names ecdsa/ca
cat rsa/ca.pem ecdsa/ca.pem ed25519/ca.pem >trust/all.pem

# A certificate with nothing in it that TLS does not need, to measure what a connection holds besides it.
minimal() { # NAME COMMON_NAME EXTENSIONS SIGNER...
    local name=$1 common_name=$2 extensions=$3
    shift 3
    new_key ecdsa "minimal/$name.key"
    openssl req -new -batch -key "minimal/$name.key" -subj "/CN=$common_name" -out "minimal/$name.csr"
    openssl x509 -req -in "minimal/$name.csr" -set_serial 1 -days 30 "$@" \
        -extfile <(printf '%s\n' "$extensions" 'subjectKeyIdentifier = none' 'authorityKeyIdentifier = none') -out "minimal/$name.pem" 2>/dev/null
    rm "minimal/$name.csr"
}
minimal ca r 'basicConstraints = critical, CA:TRUE' -signkey minimal/ca.key
minimal server s 'subjectAltName = DNS:localhost' -CA minimal/ca.pem -CAkey minimal/ca.key

issue ecdsa bad/otherca "other root" root self "$root_from" "$root_until"
issue ecdsa bad/expired "expired" server ecdsa/ca "$(utc '-30 days')" "$valid_from"
issue ecdsa bad/notyet "not yet valid" server ecdsa/ca "$(utc '+60 days')" "$(utc '+90 days')"
issue ecdsa bad/wronghost "wrong host" server_of_other_host ecdsa/ca
issue ecdsa bad/selfsigned "self signed" server self
issue ecdsa bad/selfsigned-ca "self signed, of a CA" server_and_ca self
issue ecdsa bad/selfsigned-ca-wrongusage "self signed, of a CA, wrong usage" client_and_ca self
issue ecdsa bad/unknownca "unknown CA" server bad/otherca
issue ecdsa bad/wrongusage "wrong usage" client_with_server_names ecdsa/ca
issue ecdsa bad/evil-names $'evil\r\n\e[31mname' server_with_evil_names ecdsa/ca
issue ecdsa bad/many-names "many names" server_with_many_names ecdsa/ca
issue ecdsa bad/critical-inter "critical policies" intermediate_with_critical_policies ecdsa/ca
issue ecdsa bad/critical-policies "below critical policies" server bad/critical-inter
issue ecdsa bad/issuing-server "a server that issues" server ecdsa/ca
issue ecdsa bad/issued-by-server "issued by a server" server bad/issuing-server
issue ecdsa bad/second-inter "below pathlen 0" intermediate ecdsa/inter
issue ecdsa bad/beyond-pathlen "beyond pathlen 0" server bad/second-inter
issue ecdsa bad/constrained-inter "constrained" constrained_intermediate ecdsa/ca
issue ecdsa bad/beyond-constraints "beyond constraints" server bad/constrained-inter
cat bad/issued-by-server.pem bad/issuing-server.pem >bad/issued-by-server-chain.pem
cat bad/beyond-pathlen.pem bad/second-inter.pem ecdsa/inter.pem >bad/beyond-pathlen-chain.pem
cat bad/beyond-constraints.pem bad/constrained-inter.pem >bad/beyond-constraints-chain.pem
cat bad/critical-policies.pem bad/critical-inter.pem >bad/critical-policies-chain.pem
new_key ecdsa bad/version1-inter.key
openssl req -new -batch -key bad/version1-inter.key -subj "/O=libtlsbio tests/CN=version 1" -out db/version1.csr
openssl x509 -req -in db/version1.csr -set_serial 1 -days 30 -CA ecdsa/ca.pem -CAkey ecdsa/ca.key \
    -out bad/version1-inter.pem 2>>db/log
issue ecdsa bad/version1 "below version 1" server_without_key_ids bad/version1-inter
cat bad/version1.pem bad/version1-inter.pem >bad/version1-chain.pem

issue ecdsa bad/client-expired "expired client" client ecdsa/ca "$(utc '-30 days')" "$valid_from"
issue ecdsa bad/client-selfsigned "self signed client" client self
issue ecdsa bad/client-unknownca "unknown client" client bad/otherca

issue ecdsa bad/revoked "revoked" server ecdsa/inter
issue ecdsa bad/client-revoked "revoked client" client ecdsa/inter
for name in revoked client-revoked; do
    cat bad/$name.pem ecdsa/inter.pem >bad/$name-chain.pem
done

issue rsa1024 weak/ca1024 "root of 1024 bits" root self
issue ecdsa weak/under1024 "under 1024 bits" server weak/ca1024
issue rsa1024 weak/rsa1024 "1024 bits" server rsa/ca
digest=sha1 issue ecdsa weak/sha1 "SHA-1" server rsa/ca

# Each list has a database of its own, with nothing in it but what it revokes.
revoke() { # NAME ISSUER FROM UNTIL REVOKED...
    local name=$1 signer=(-cert "$2.pem" -keyfile "$2.key") from=$3 until=$4 revoked
    shift 4
    : >db/crl.txt
    for revoked in "$@"; do
        openssl ca -name crl_authority "${signer[@]}" -revoke "$revoked.pem" 2>>db/log
    done
    openssl ca -name crl_authority "${signer[@]}" -gencrl -crl_lastupdate "$from" -crl_nextupdate "$until" \
        -out "crl/$name.crl" 2>>db/log
}
echo 01 >db/crlnumber
revoke root ecdsa/ca "$valid_from" "$valid_until"
revoke inter ecdsa/inter "$valid_from" "$valid_until" bad/revoked bad/client-revoked
revoke inter-older ecdsa/inter "$(utc '-2 days')" "$valid_until"
revoke inter-expired ecdsa/inter "$(utc '-3 days')" "$valid_from"
revoke inter-future ecdsa/inter "$(utc '+2 days')" "$valid_until"
revoke inter-future-revokes ecdsa/inter "$(utc '+2 days')" "$valid_until" bad/revoked
revoke root-revokes-inter ecdsa/ca "$valid_from" "$valid_until" ecdsa/inter
issue ecdsa bad/fakeinter "ecdsa intermediate" intermediate bad/otherca
revoke inter-forged bad/fakeinter "$valid_from" "$valid_until"
cat crl/root.crl crl/inter.crl >crl/all.crl
openssl crl -in crl/inter.crl -outform DER -out crl/inter.der

for alg in rsa ecdsa ed25519; do
    for name in server client; do
        openssl pkey -in $alg/$name.key -pubout -out $alg/$name.pub
    done
done
for name in ecdsa/ca ecdsa/inter ecdsa/server ecdsa/client rsa/ca; do
    openssl x509 -in $name.pem -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary >$name.pin
done

openssl ocsp -issuer ecdsa/inter.pem -cert ecdsa/server.pem -no_nonce -reqout db/request.der
openssl ocsp -index db/index.txt -CA ecdsa/inter.pem -rsigner ecdsa/inter.pem -rkey ecdsa/inter.key -ndays 30 \
    -reqin db/request.der -respout ecdsa/server.ocsp >db/log 2>&1

openssl rsa -in rsa/server.key -traditional -out keys/rsa-pkcs1.key 2>/dev/null
openssl ec -in ecdsa/server.key -out keys/ec-sec1.key 2>/dev/null
openssl pkcs8 -topk8 -in rsa/server.key -v2 aes-256-cbc -passout pass:secret -out keys/rsa-pkcs8-encrypted.key
openssl rsa -in rsa/server.key -traditional -aes128 -passout pass:secret -out keys/rsa-legacy-encrypted.key 2>/dev/null
new_key ecdsa keys/mismatch.key

# A key that turned out in another form than its name says would make a test pass for the wrong reason.
expect_header() { # FILE TEXT
    grep -q -e "$2" "$1" || {
        echo "make.sh: $1 is not in the form '$2'" >&2
        exit 1
    }
}
expect_header rsa/server.key "-BEGIN PRIVATE KEY-"
expect_header keys/rsa-pkcs1.key "-BEGIN RSA PRIVATE KEY-"
expect_header keys/ec-sec1.key "-BEGIN EC PRIVATE KEY-"
expect_header keys/rsa-pkcs8-encrypted.key "-BEGIN ENCRYPTED PRIVATE KEY-"
expect_header keys/rsa-legacy-encrypted.key "Proc-Type: 4,ENCRYPTED"

rm -f "$out/.done"
for part in rsa ecdsa ed25519 minimal bad weak crl keys trust; do
    rm -rf "${out:?}/$part"
    mv "$part" "$out/$part"
done
cd "$out"
rm -rf "$work"
touch "$out/.done"
