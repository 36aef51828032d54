/// An enum whose `isDog`, `isCat` and `isBird` a guest has written.
enum Animal: CaseIterable {
    case dog, cat
    case bird
}
