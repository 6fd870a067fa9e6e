// Makes one payment with the generated client, and is refused another of the same order.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"client/paytech"
)

func order(amount string) paytech.NewPayment {
	var body paytech.NewPayment
	must(body.FromOrderWithoutToken(paytech.OrderWithoutToken{
		ReferenceId: "order-go", Amount: &amount, Currency: "EUR",
	}))
	return body
}

// One type says the state of whatever route has answered.
func isPaid(state paytech.PaymentState) bool { return state == paytech.PaymentStateCOMPLETED }

func main() {
	ctx := context.Background()
	client, err := paytech.NewClientWithResponses(os.Getenv("API_URL"))
	must(err)
	created, err := client.CreatePaymentWithResponse(ctx, order("999999999.123456789012345678"))
	must(err)
	if created.JSON201 == nil {
		log.Fatal(created.Status(), string(created.Body))
	}
	if isPaid(created.JSON201.State) {
		log.Fatal("paid before it was paid")
	}
	url := fmt.Sprintf("%s/simulator/payments/%s/pay", os.Getenv("SIMULATOR_URL"), created.JSON201.Id)
	paid, err := http.Post(url, "application/json", strings.NewReader(`{"state":"COMPLETED"}`))
	must(err)
	must(paid.Body.Close())

	for {
		answer, err := client.GetPaymentWithResponse(ctx, created.JSON201.Id)
		must(err)
		if answer.JSON200 == nil {
			log.Fatal(answer.Status(), string(answer.Body))
		}
		if !isPaid(answer.JSON200.State) {
			continue
		}
		refusal, err := client.CreatePaymentWithResponse(ctx, order("1"))
		must(err)
		must(json.NewEncoder(os.Stdout).Encode(map[string]any{
			"state":  answer.JSON200.State,
			"amount": answer.JSON200.Amount,
			"code":   refusal.ApplicationproblemJSON409.Code,
		}))
		return
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
