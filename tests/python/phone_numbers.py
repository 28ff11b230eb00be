"""Writes a table of mobile numbers as libphonenumber's Python port reads them: site country, spelling, E.164.

Each region's example numbers and random neighbours of them, spelled internationally, nationally and as people type them, on
sites of their own region and of others. An empty third column says that the port reads no mobile number there.
"""

import csv
import random
import sys

import phonenumbers
from phonenumbers import PhoneNumberFormat as Format
from phonenumbers import PhoneNumberType as Type

MOBILE = {Type.MOBILE, Type.FIXED_LINE_OR_MOBILE}
# A table is the same for the same seed and version.
SEED = 11
NEIGHBOURS = 6
# What a spelling may be, at most, in characters.
LONGEST = 32


def read(spelling: str, country: str) -> str:
    try:
        number = phonenumbers.parse(spelling, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in MOBILE:
        return ""
    return phonenumbers.format_number(number, Format.E164)


def spellings(number: phonenumbers.PhoneNumber) -> list[str]:
    international = phonenumbers.format_number(number, Format.INTERNATIONAL)
    national = phonenumbers.format_number(number, Format.NATIONAL)
    e164 = phonenumbers.format_number(number, Format.E164)
    return [international, e164, international.replace(" ", "-"), national, national.replace(" ", "").replace("-", "")]


def main() -> None:
    random.seed(SEED)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["site_country", "spelling", "e164"])
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    for region in regions:
        example = phonenumbers.example_number_for_type(region, Type.MOBILE)
        if example is None:
            continue
        numbers = [example]
        digits = str(example.national_number)
        for _ in range(NEIGHBOURS):
            kept = random.randrange(1, len(digits))
            other = digits[:kept] + "".join(random.choice("0123456789") for _ in digits[kept:])
            number = phonenumbers.PhoneNumber()
            number.merge_from(example)
            number.national_number = int(other)
            numbers.append(number)
        for number in numbers:
            for spelling in spellings(number):
                if len(spelling) <= LONGEST:
                    for country in [region, random.choice(regions)]:
                        writer.writerow([country, spelling, read(spelling, country)])


main()
