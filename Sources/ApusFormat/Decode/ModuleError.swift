/// Why a module was refused, and where.
public struct ModuleError: Error, Hashable, Sendable {
    /// What sort of reason.
    public enum Kind: Hashable, Sendable {
        /// The bytes do not follow the binary format (5).
        case malformed
        /// The module breaks a validation rule (3).
        case invalid
        /// The module uses a feature that is switched off or not there yet.
        case unsupported(Feature)
        /// The module exceeds an implementation limit.
        case limit
        /// The compiler has verified what it made of the module, and found it wrong: the fault is
        /// its own. Only builds for debugging look.
        case miscompiled
        /// It is a component, not a module.
        case component
    }

    /// A function of the module.
    public struct Function: Hashable, Sendable {
        /// Its index, imported functions included.
        public var index: Int
        /// Its name in the module's name section, else the first it is exported under.
        public var name: String?

        /// The function with this index, and its name if it has one.
        public init(index: Int, name: String?) {
            self.index = index
            self.name = name
        }
    }

    /// In which way the module is wrong.
    public var kind: Kind
    /// Byte offset in the module's binary form.
    public var offset: Int
    private var details: Details

    /// An error about what is at `offset`.
    public init(_ kind: Kind, at offset: Int, _ message: String) {
        self.kind = kind
        self.offset = offset
        details = Details(message)
    }

    /// What is wrong, in the specification's words where it has some. What it quotes of the module
    /// is escaped and shortened.
    public var message: String {
        get { details.contents.message }
        set { details = details.changed { $0.message = newValue } }
    }

    /// The function whose body is at fault, if it is one.
    public var function: Function? {
        get { details.contents.function }
        set { details = details.changed { $0.function = newValue } }
    }

    /// The file that the module is from, if it is known to be from one.
    public var file: String? {
        get { details.contents.file }
        set { details = details.changed { $0.file = newValue } }
    }

    /// The place in the module's text form, if that is what it was given in.
    public var place: TextPlace? {
        get { details.contents.place }
        set { details = details.changed { $0.place = newValue } }
    }
}

/// What an error says, apart: so that it can be thrown in registers by what seldom throws.
private final class Details: Hashable, Sendable {
    struct Contents: Hashable, Sendable {
        var message: String
        var function: ModuleError.Function?
        var file: String?
        var place: TextPlace?
    }

    let contents: Contents

    init(_ contents: Contents) { self.contents = contents }

    convenience init(_ message: String) { self.init(Contents(message: message)) }

    func changed(_ change: (inout Contents) -> Void) -> Details {
        var contents = contents
        change(&contents)
        return Details(contents)
    }

    static func == (left: Details, right: Details) -> Bool { left.contents == right.contents }

    func hash(into hasher: inout Hasher) { hasher.combine(contents) }
}

extension ModuleError: CustomStringConvertible {
    /// A line that names the file, the place, the reason and the function; below, if the module is
    /// a text, its line with a mark.
    public var description: String {
        var text = file.map { PrintableText.path($0) + ":" } ?? ""
        if let place { text += "\(place.line):\(place.column):" }
        if !text.isEmpty { text += " " }
        text += reason
        if let function {
            text += ", in function \(function.index)"
            if let name = function.name { text += " (\(PrintableText.name(name)))" }
        }
        if let place { return "\(text)\n\(place.excerpt)" }
        return "\(text), at byte \(offset) (0x\(String(offset, radix: 16)))"
    }

    private var reason: String {
        switch kind {
        case .malformed: "malformed module: \(message)"
        case .invalid: "invalid module: \(message)"
        case .unsupported(let feature): "unsupported feature \(feature.name): \(message)"
        case .limit: "implementation limit: \(message)"
        case .miscompiled: "fault of the compiler: \(message)"
        case .component: message
        }
    }

    /// What is said of components.
    public static var component: String {
        "this is a component; Apus runs modules and no components yet"
    }

    /// The same error as one about function `index` of `module`.
    func inFunction(_ index: Int, of module: DecodedModule) -> ModuleError {
        var error = self
        let exported = ExternalIndex.function(UInt32(truncatingIfNeeded: index))
        let name =
            ModuleNames(module).function(index)
            ?? module.exports.first { $0.item == exported }?.name
        error.function = Function(index: index, name: name)
        error.offset = module.sourceOffset(of: error.offset)
        return error
    }
}
