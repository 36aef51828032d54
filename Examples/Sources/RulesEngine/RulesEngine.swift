import Apus
import ApusSandbox
import Foundation

/// What the rule is asked about.
struct Order: Codable {
    var item: String
    var count: Int
    var price: Double
    var isMember: Bool
}

/// What it decides.
struct Decision: Codable {
    var total: Double
    var discount: Double
    var isFree: Bool
}

/// Values as JSON.
struct JSON: SandboxCoder {
    func encode(_ value: some Encodable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value))
    }

    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}

/// Asks a rule that somebody else has written about many orders at once.
@main
struct RulesEngine {
    static func main() async throws {
        guard
            let file = Bundle.module.url(
                forResource: "rules", withExtension: "wasm", subdirectory: "Rules")
        else { throw CocoaError(.fileNoSuchFile) }
        var configuration = Sandbox.Configuration()
        configuration.limits.memoryBytes = 32 << 20
        configuration.deadline = .milliseconds(100)
        let module = try Module(Engine(), contentsOf: file.path())
        let rules = SandboxPool(SandboxTemplate(module, configuration), count: 4)

        let orders = (0..<8).map {
            Order(item: "item \($0)", count: $0, price: 19.99, isMember: $0 % 2 == 0)
        }
        let decisions = try await withThrowingTaskGroup(of: (Int, Decision).self) { group in
            for (number, order) in orders.enumerated() {
                group.addTask { (number, try await decide(order, by: rules)) }
            }
            var decisions: [Int: Decision] = [:]
            for try await (number, decision) in group { decisions[number] = decision }
            return decisions
        }
        for (number, order) in orders.enumerated() {
            guard let decision = decisions[number] else { continue }
            print(order.item, decision.total, decision.discount, decision.isFree)
        }
    }

    private static func decide(_ order: Order, by rules: SandboxPool) async throws -> Decision {
        try await rules.withSandbox { sandbox in
            try await sandbox.call("decide", order, as: Decision.self, coder: JSON())
        }
    }
}
