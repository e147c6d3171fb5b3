#!/bin/sh
# Removes from a folder of installed packages what is never loaded. Usage: prune.sh FOLDER
set -eu
cd "$1"

rm -rf bin share
# only the parser of phonenumbers and the session of onnxruntime are used
rm -rf phonenumbers/geodata phonenumbers/carrierdata phonenumbers/tzdata
rm -rf onnxruntime/transformers onnxruntime/quantization onnxruntime/tools onnxruntime/datasets
rm -rf numpy/f2py numpy/distutils numpy/_core/include numpy/_core/lib numpy/_pyinstaller
rm -rf sqlalchemy/testing
rm -rf torch/include torch/share torch/test onnx/backend/test
# only the AWS services that read a secret are used: 4 of 400
if [ -d botocore/data ]; then
    for service in botocore/data/*/; do
        case "$service" in
        */secretsmanager/ | */sts/ | */sso/ | */sso-oidc/) ;;
        *) rm -rf "$service" ;;
        esac
    done
    rm -rf boto3/examples boto3/data botocore/docs/bcdoc/examples
fi

find . -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \
    -o -name '*.a' \) -delete
