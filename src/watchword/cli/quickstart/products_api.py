"""
The products API of "Online Shopping": an API that takes access tokens and checks them by itself.

One file, to read and to copy. Its settings come from the environment: ISSUER and AUDIENCE say whose tokens
it takes and by which name it is known there, PORT where it listens on this machine.
"""

import os
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field

from watchword.protect import AccessToken, Verifier
from watchword.protect.fastapi import Protect

ISSUER, AUDIENCE, PORT = "http://127.0.0.1:3001/oidc", "https://shopping.api", "3002"


class NewProduct(BaseModel):
    """
    What a caller says about a product; the price is in cents.
    """

    name: str = Field(min_length=1, max_length=100)
    price: int = Field(ge=0)


class Product(NewProduct):
    """
    A product on sale, and the application that put it there.
    """

    id: int
    added_by: str


def create_app(verifier: Verifier | None = None) -> FastAPI:
    """
    Make the API.

    Args:
        verifier: Decides which tokens may pass; by default as the environment says.
    """
    protect = Protect(verifier or verifier_from_environment())
    products = [
        Product(id=1, name="Tea", price=450, added_by="the shop"),
        Product(id=2, name="Teapot", price=2900, added_by="the shop"),
    ]
    app = FastAPI(title="Online Shopping", docs_url=None, redoc_url=None)

    @app.get("/products", dependencies=[Depends(protect("read:products"))])
    async def list_products() -> list[Product]:
        return products

    @app.post("/products", status_code=201)
    async def add_product(
        new: NewProduct, token: Annotated[AccessToken, Depends(protect("write:products"))]
    ) -> Product:
        product = Product(id=len(products) + 1, added_by=token.client_id, **new.model_dump())
        products.append(product)
        return product

    return app


def verifier_from_environment() -> Verifier:
    """
    Make the verifier that ISSUER and AUDIENCE describe. It fetches the issuer's keys when first needed.
    """
    return Verifier(issuer=os.environ.get("ISSUER", ISSUER), audience=os.environ.get("AUDIENCE", AUDIENCE))


if __name__ == "__main__":
    uvicorn.run(create_app(), host="127.0.0.1", port=int(os.environ.get("PORT", PORT)), server_header=False)
