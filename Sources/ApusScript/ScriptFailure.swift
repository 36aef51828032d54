internal import Apus
internal import ApusText

/// Why something did not work, in the kinds that scripts tell apart.
enum ScriptFailure: CustomStringConvertible {
    case malformed(String)
    case invalid(String)
    /// An implementation limit, by the specification's leave.
    case limit(String)
    /// Needs a feature that the engine does not have.
    case unsupported(String)
    case unlinkable(String)
    case trap(String)
    case other(String)

    init(_ error: any Error) {
        switch error {
        case let error as TextError: self = .malformed(error.message)
        case let error as ModuleError:
            switch error.kind {
            case .malformed: self = .malformed(error.message)
            case .invalid: self = .invalid(error.message)
            case .unsupported(let feature): self = .unsupported(feature.name)
            case .limit: self = .limit(error.message)
            }
        case let error as LinkError: self = .unlinkable("\(error)")
        case let trap as Trap: self = .trap("\(trap.code)")
        case let error as ResourceError: self = .limit("\(error)")
        default: self = .other("\(error)")
        }
    }

    var description: String {
        switch self {
        case .malformed(let text): "malformed: \(text)"
        case .invalid(let text): "invalid: \(text)"
        case .limit(let text): "limit: \(text)"
        case .unsupported(let text): "unsupported: \(text)"
        case .unlinkable(let text): "unlinkable: \(text)"
        case .trap(let text): "trap: \(text)"
        case .other(let text): text
        }
    }
}
