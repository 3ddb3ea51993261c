"""What Plug & Charge is made of, sans-IO: chains of certificates, and what their issuers' responders say of them."""
