#!/bin/sh
# Removes from a folder of packages what neither serving nor training loads. Usage: prune.sh FOLDER
set -eu
cd "$1"

rm -rf bin share
# of phone numbers only the parser is used, of onnxruntime only the session
rm -rf phonenumbers/geodata phonenumbers/carrierdata phonenumbers/tzdata
rm -rf onnxruntime/transformers onnxruntime/quantization onnxruntime/tools onnxruntime/datasets
rm -rf numpy/f2py numpy/distutils numpy/_core/include numpy/_core/lib numpy/_pyinstaller
rm -rf sqlalchemy/testing
rm -rf torch/include torch/share torch/test onnx/backend/test
# of AWS only what reads a secret: 3 of 400 services
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
