// `Codable` values go in and out as JSON, through the guest's own allocator.

import Apus
import ApusSandbox
import Foundation

struct JSON: SandboxCoder {
    func encode(_ value: some Encodable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value))
    }

    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}

struct Order: Codable {
    var item: String
    var count: Int
}

// This guest gives back what it gets.
let echo = """
    (module
      (memory (export "memory") 1)
      (func (export "malloc") (param i32) (result i32) (i32.const 1024))
      (func (export "check") (param i32 i32) (result i32 i32)
        (local.get 0) (local.get 1)))
    """
let sandbox = try Sandbox(text: echo)
let order = try await sandbox.call(
    "check", Order(item: "swift", count: 2), as: Order.self, coder: JSON())
print(order.item, order.count)
