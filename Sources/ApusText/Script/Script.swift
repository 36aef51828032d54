internal import ApusCollections
public import ApusFormat

/// A script of the specification's test suite: modules, calls, and what should come of them.
///
/// Its grammar is that of the reference interpreter's scripts.
public struct Script: Sendable {
    public var commands: [Command]

    /// One thing to do, and where it stands.
    public struct Command: Sendable {
        /// From 1 on.
        public var line: Int
        public var action: CommandKind
    }

    /// What there is to do.
    public enum CommandKind: Sendable {
        /// Instantiate a module, which becomes the present one.
        case module(Module)
        /// Remember a module to be instantiated later.
        case definition(Module)
        /// Instantiate what was defined as `definition`, or last; call it `name`.
        case instance(name: String?, definition: String?)
        /// Let modules import from an instance, the present one if `instance` is nil.
        case register(name: String, instance: String?)
        case action(Action)
        case assertReturn(Action, [Pattern])
        case assertTrap(Action, String)
        /// Instantiating the module must trap.
        case assertModuleTrap(Module, String)
        case assertExhaustion(Action, String)
        case assertException(Action)
        case assertInvalid(Module, String)
        case assertMalformed(Module, String)
        case assertUnlinkable(Module, String)
        /// Custom sections or annotations are invalid; implementations may ignore that.
        case assertInvalidCustom(Module, String)
        case assertMalformedCustom(Module, String)
        /// Run commands in a thread, which shares instances with this one.
        case thread(name: String, shared: [String], [Command])
        /// Wait for a thread to end.
        case wait(String)
    }

    /// A module as a script has it.
    public struct Module: Sendable {
        public var name: String?
        public var form: Form

        /// How it is written.
        public enum Form: Sendable {
            /// As text; parsed with the script.
            case text(Result<[UInt8], TextError>)
            /// As the bytes of its binary form.
            case binary([UInt8])
            /// As the bytes of a text, which need not be one.
            case quote([UInt8])
        }

        /// The binary form. Throws `TextError` if there is none.
        public func bytes() throws(TextError) -> [UInt8] {
            switch form {
            case .text(let result): try result.get()
            case .binary(let bytes): bytes
            case .quote(let text): try TextFormat.parseModule(.init(text))
            }
        }
    }

    /// A call of an exported function or a look at an exported global.
    public struct Action: Sendable {
        /// Nil: the present instance.
        public var instance: String?
        public var name: String
        /// Nil: get the global.
        public var arguments: [Constant]?
    }

    /// A value.
    public enum Constant: Hashable, Sendable {
        case i32(UInt32)
        case i64(UInt64)
        case f32(bits: UInt32)
        case f64(bits: UInt64)
        /// Its 16 bytes.
        case v128([UInt8])
        case null(HeapType)
        /// An object of the host that is told from others by its number.
        case external(UInt32)
        /// The same, as a reference of the type `any`.
        case host(UInt32)
    }

    /// What a result may be.
    public enum Pattern: Hashable, Sendable {
        case i32(UInt32)
        case i64(UInt64)
        case f32(FloatPattern)
        case f64(FloatPattern)
        /// The lanes, lowest first, all of `16 / lanes.count` bytes.
        case v128(lanes: [FloatPattern])
        /// Null, of any type if the heap type is nil.
        case null(HeapType?)
        /// An external reference, to any object if the number is nil.
        case external(UInt32?)
        case host(UInt32?)
        /// A reference that is not null to something of the heap type.
        case reference(HeapType)
        case either([Pattern])
    }

    /// What a float may be; integers in lanes are bits too.
    public enum FloatPattern: Hashable, Sendable {
        case bits(UInt64)
        case canonicalNaN
        case arithmeticNaN

        /// Whether `bits` are those of such a float of `byteCount` bytes.
        public func matches(_ bits: UInt64, byteCount: Int) -> Bool {
            let format = byteCount == 4 ? FloatFormat.single : .double
            switch self {
            case .bits(let expected): return bits == expected
            case .canonicalNaN: return bits & ~format.sign == format.canonicalNaN
            case .arithmeticNaN: return bits & format.canonicalNaN == format.canonicalNaN
            }
        }
    }
}
