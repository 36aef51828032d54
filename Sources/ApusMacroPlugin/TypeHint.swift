#if Macros
    internal import SwiftSyntax

    /// What to use instead of a Swift type that is none of WebAssembly's.
    struct TypeHint {
        var text: String
        /// The type that it should be, if that is sure.
        var replacement: String?

        /// Nil: the type may be one of WebAssembly's, which the compiler will tell.
        static func of(_ type: TypeSyntax) -> TypeHint? {
            if type.is(ArrayTypeSyntax.self) || type.is(DictionaryTypeSyntax.self) {
                return TypeHint(text: bytes)
            }
            if type.is(FunctionTypeSyntax.self) {
                return TypeHint(text: "functions are passed as 'Function?'")
            }
            switch type.trimmedDescription {
            case "Int":
                return TypeHint(
                    text: "an i32 is an 'Int32', an i64 an 'Int64'", replacement: "Int32")
            case "UInt":
                return TypeHint(
                    text: "an i32 is a 'UInt32', an i64 a 'UInt64'", replacement: "UInt32")
            case "Int8", "Int16", "UInt8", "UInt16", "Bool":
                return TypeHint(
                    text: "guests pass small integers and truth values as an i32, so 'Int32'",
                    replacement: "Int32")
            case "Float16", "Float80", "CGFloat":
                return TypeHint(text: "an f32 is a 'Float', an f64 a 'Double'")
            case "String", "Substring", "StaticString", "Character", "Data": break
            default: return nil
            }
            return TypeHint(text: bytes)
        }

        private static var bytes: String {
            "pass where it is in the guest's memory and how many bytes it has, as two 'Int32', or "
                + "call the guest through a 'Sandbox'"
        }
    }
#endif
