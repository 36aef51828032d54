import Apus
import ApusTestSupport

/// What a call comes to, in words that both engines have. NaNs are canonical.
enum Outcome: Hashable {
    case values([ReferenceValue])
    case trap(String)

    init(_ body: () throws -> [ReferenceValue]) {
        do {
            self = .values(try body().map(\.canonical))
        } catch let trap as ReferenceTrap {
            self = .trap(trap.rawValue)
        } catch let exception as WasmException {
            let line = exception.description.prefix { $0 != "\n" }
            self = .trap(String(line))
        } catch let trap as Trap {
            self = .trap(trap.code.description)
        } catch {
            self = .trap("\(error)")
        }
    }

    static func stopped(by trap: ReferenceTrap) -> Outcome { .trap(trap.rawValue) }
}
