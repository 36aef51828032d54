for animal in Animal.allCases {
    print(animal, animal.isDog, animal.isCat, animal.isBird)
}
