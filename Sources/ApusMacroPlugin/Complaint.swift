#if Macros
    internal import SwiftDiagnostics
    internal import SwiftSyntax

    /// What is wrong with a declaration, said where it is, with what would be right if that is
    /// known.
    enum Complaint: DiagnosticMessage {
        case notAProtocol
        case notAType
        case noModule
        case notAFunction
        case noName
        case mustThrow(String)
        case typedThrows(String)
        case generic(String)
        case typeMember(String)
        case parameter(String, String)
        case misplacedCaller(String)
        case type(String, hint: String)
        case several(String)

        var message: String {
            switch self {
            case .notAProtocol:
                "'@WasmExports' belongs to a protocol, whose functions are those that a guest "
                    + "exports"
            case .notAType:
                "'@WasmImports' belongs to a struct, class, enum or actor, whose methods guests "
                    + "import"
            case .noModule:
                "'@WasmImports' needs the name of the module that guests import from, as a string "
                    + "literal: @WasmImports(\"env\")"
            case .notAFunction:
                "a client calls functions of a guest, so its protocol can have nothing else"
            case .noName: "'@WasmName' needs a string literal: @WasmName(\"get-value\")"
            case .mustThrow(let name):
                "'\(name)' must be 'throws', since a guest may trap in any call"
            case .typedThrows(let name):
                "'\(name)' must be 'throws' without a type, since a call may end in a trap, or in "
                    + "whatever a function of the host throws"
            case .generic(let name):
                "'\(name)' cannot be generic: a function of WebAssembly has one type"
            case .typeMember(let name):
                "'\(name)' cannot be static: a guest's functions belong to an instance"
            case .parameter(let name, let what):
                "a parameter of '\(name)' cannot be \(what): WebAssembly passes values"
            case .misplacedCaller(let name):
                "the 'Caller' must be the first parameter of '\(name)'"
            case .type(let name, let hint): "'\(name)' is no type of WebAssembly: \(hint)"
            case .several(let name):
                "there is more than one function '\(name)', and WebAssembly tells them apart by "
                    + "name alone; give one of them another name with '@WasmName'"
            }
        }

        var diagnosticID: MessageID { MessageID(domain: "ApusMacros", id: identifier) }

        /// Which complaint it is, whatever it is about.
        private var identifier: String {
            switch self {
            case .notAProtocol: "notAProtocol"
            case .notAType: "notAType"
            case .noModule: "noModule"
            case .notAFunction: "notAFunction"
            case .noName: "noName"
            case .mustThrow: "mustThrow"
            case .typedThrows: "typedThrows"
            case .generic: "generic"
            case .typeMember: "typeMember"
            case .parameter: "parameter"
            case .misplacedCaller: "misplacedCaller"
            case .type: "type"
            case .several: "several"
            }
        }

        var severity: DiagnosticSeverity { .error }

        /// The complaint about `node`.
        func about(_ node: some SyntaxProtocol, _ fixIts: [FixIt] = []) -> Diagnostic {
            Diagnostic(node: node, message: self, fixIts: fixIts)
        }
    }

    /// What would put it right, in a word or two.
    struct Remedy: FixItMessage {
        var message: String
        var fixItID: MessageID { MessageID(domain: "ApusMacros", id: "remedy") }
    }
#endif
