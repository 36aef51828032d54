/// A type of C++ in words, in two parts between which a declared name would stand; or several, if
/// it is what a pack of parameters stands for.
struct ItaniumType {
    /// One type.
    struct Item {
        var left: String
        var right = ""
        /// Whether a pointer to it needs parentheses: it is a function or an array.
        var isDeclarator = false
    }

    var items: [Item]
    var isPack = false

    init(_ left: String, _ right: String = "", isDeclarator: Bool = false) {
        items = [Item(left: left, right: right, isDeclarator: isDeclarator)]
    }

    init(pack types: [ItaniumType]) {
        items = types.flatMap(\.items)
        isPack = true
    }

    var text: String { items.map { $0.left + $0.right }.joined(separator: ", ") }

    /// Pointers or references to the type: `mark` is `*`, `&` or `&&`.
    func pointed(_ mark: String) -> ItaniumType {
        mapped { item in
            if item.isDeclarator {
                item.left += "(" + mark
                item.right = (item.right.hasPrefix("[") ? ") " : ")") + item.right
                item.isDeclarator = false
            } else if mark != "*", item.left.hasSuffix("&") {
                // A reference to a reference is the weaker of both.
                if mark == "&", item.left.hasSuffix("&&") { item.left.removeLast() }
            } else {
                item.left += mark
            }
        }
    }

    /// The type with ` const` or the like behind it; of an array it is the elements that are so.
    func qualified(_ qualifiers: String) -> ItaniumType {
        mapped { item in
            if item.isDeclarator, item.right.hasPrefix("[") {
                item.left.removeLast()
                item.left += qualifiers + " "
            } else if item.isDeclarator {
                item.right += qualifiers
            } else {
                item.left += qualifiers
            }
        }
    }

    private func mapped(_ change: (inout Item) -> Void) -> ItaniumType {
        var type = self
        for index in type.items.indices { change(&type.items[index]) }
        return type
    }
}
