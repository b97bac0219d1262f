#!/usr/bin/env bash
# Signs by a key in a PKCS#11 token, which never leaves it: sign.sh SCHEME <MESSAGE >SIGNATURE
#
# SCHEME is what tls_sign_scheme() answers, as 0x0403; the message is that of tls_sign_message(). The token:
#   SIGNER_MODULE   the PKCS#11 library, such as /usr/lib/softhsm/libsofthsm2.so
#   SIGNER_KEY      the id of the key in it, in hexadecimal
#   SIGNER_PIN      the PIN; from the environment, since command lines can be seen
set -euo pipefail

ecdsa=(--mechanism ECDSA --signature-format openssl) # DER of r and s, as TLS has it
pss() {
    echo --mechanism RSA-PKCS-PSS --hash-algorithm "$1" --mgf "MGF1-$1"
}
# What the token does not hash is hashed here.
case $1 in
0x0403) digest=sha256 mechanism=("${ecdsa[@]}") ;;
0x0503) digest=sha384 mechanism=("${ecdsa[@]}") ;;
0x0603) digest=sha512 mechanism=("${ecdsa[@]}") ;;
0x0804) digest=sha256 mechanism=($(pss SHA256)) ;;
0x0805) digest=sha384 mechanism=($(pss SHA384)) ;;
0x0806) digest=sha512 mechanism=($(pss SHA512)) ;;
0x0401) digest= mechanism=(--mechanism SHA256-RSA-PKCS) ;;
0x0501) digest= mechanism=(--mechanism SHA384-RSA-PKCS) ;;
0x0601) digest= mechanism=(--mechanism SHA512-RSA-PKCS) ;;
0x0807) digest= mechanism=(--mechanism EDDSA) ;;
*)
    echo "sign.sh: scheme $1" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$digest" ]; then
    openssl dgst "-$digest" -binary >"$work/input"
else
    cat >"$work/input"
fi
pkcs11-tool --module "$SIGNER_MODULE" --login --pin env:SIGNER_PIN --sign --id "$SIGNER_KEY" "${mechanism[@]}" \
    --input-file "$work/input" --output-file "$work/signature" >&2
cat "$work/signature"
